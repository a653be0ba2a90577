"""Quotas: what a plan allows, what is used of it, and that nobody gets past it."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agentos.access import allowances
from agentos.access.actions import cancel_subscription, subscribe
from agentos.access.allowances import allowance_of
from agentos.access.models import Plan, Subscription, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions, ephemeral, quotas
from agentos.chat.counting import count_answer
from agentos.chat.errors import QuotaReached, TooMuch
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import reaper
from agentos.core import clock
from agentos.core.ratelimit import limits
from tests.factories import ChatSessionFactory, PlanFactory, RunFactory, SubscriptionFactory

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    def hold(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return hold


def limit(plan: Plan, **quota: int | None) -> None:
    for name, value in quota.items():
        setattr(plan, name, value)
    plan.save()


def send(user: User, agent: DjangoAgent, **more: Any) -> Run:
    return dated(actions.send_message(by=user, text="Hi", agent=agent, **more))


def dated(run: Run) -> Run:
    """A model's default does not ask the clock that a test holds still."""
    Run.objects.filter(pk=run.pk).update(created_at=clock.now())
    return run


def answered(chat: ChatSession, **more: Any) -> Run:
    run: Run = RunFactory(session=chat, attempt=1, created_at=clock.now(), **more)
    return run


class TestAllowance:
    def test_is_unlimited_without_a_word(self, member: User, owner: User) -> None:
        assert not allowance_of(member).is_limited
        assert not allowance_of(owner).is_limited

    def test_is_what_the_plan_says(self, owner: User, pro: Plan) -> None:
        limit(pro, runs_a_day=50)
        assert allowance_of(owner) == allowances.Allowance(runs_a_day=50, plan="Pro")

    def test_of_several_plans_is_the_most_generous(self, owner: User, pro: Plan) -> None:
        limit(pro, runs_a_day=50, tokens_a_month=1000)
        SubscriptionFactory(customer__user=owner, plan=PlanFactory(name="Team", runs_a_day=80, tokens_a_month=None))
        assert allowance_of(owner) == allowances.Allowance(runs_a_day=80, tokens_a_month=None, plan="Pro and Team")

    def test_of_the_site_is_for_those_without_a_plan(self, owner: User, member: User, pro: Plan, settings: Any) -> None:
        settings.AGENTOS_RUNS_A_DAY = 5
        assert allowance_of(member).runs_a_day == 5
        assert not allowance_of(owner).is_limited

    def test_changes_with_the_plan_and_the_subscription(self, owner: User, pro: Plan) -> None:
        limit(pro, runs_a_day=50)
        assert allowance_of(owner).runs_a_day == 50
        limit(pro, runs_a_day=60)
        assert allowance_of(owner).runs_a_day == 60
        cancel_subscription(subscription=Subscription.objects.get(), by=None)
        assert not allowance_of(owner).is_limited
        subscribe(user=owner, plan=pro, by=None)
        assert allowance_of(owner).runs_a_day == 60

    def test_ends_with_the_period(self, owner: User, pro: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        limit(pro, runs_a_day=50)
        subscribe(user=owner, plan=pro, until=clock.now() + timedelta(seconds=5), by=None)
        assert allowance_of(owner).runs_a_day == 50
        now, monotonic = clock.now(), time.monotonic()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=6))
        monkeypatch.setattr(time, "monotonic", lambda: monotonic + 6)
        assert not allowance_of(owner).is_limited

    @pytest.mark.django_db(transaction=True)
    def test_is_not_remembered_from_before_a_commit(self, owner: User, pro: Plan) -> None:
        def look() -> None:
            assert not allowance_of(owner).is_limited
            connection.close()

        with transaction.atomic():
            limit(pro, runs_a_day=50)
            somebody_else = threading.Thread(target=look)
            somebody_else.start()
            somebody_else.join()
        assert allowance_of(owner).runs_a_day == 50

    def test_costs_no_query_while_nothing_is_limited(self, owner: User, member: User, django_assert_num_queries: Any) -> None:
        allowance_of(owner)
        with django_assert_num_queries(0):
            allowance_of(owner)
            allowance_of(member)

    def test_costs_no_query_for_whom_it_is_known(self, owner: User, pro: Plan, django_assert_num_queries: Any) -> None:
        limit(pro, runs_a_day=50)
        allowance_of(owner)
        with django_assert_num_queries(0):
            allowance_of(owner)


class TestAnswersADay:
    @pytest.fixture(autouse=True)
    def two(self, pro: Plan, at: At) -> None:
        limit(pro, runs_a_day=2)
        at(NOON)

    def test_are_refused_when_they_are_used_up(self, owner: User, scripted: DjangoAgent) -> None:
        first = send(owner, scripted)
        send(owner, scripted, session=first.session)
        before = (ChatSession.objects.count(), Run.objects.count(), AuditRecord.objects.count())
        for place in ({}, {"session": first.session}):
            with pytest.raises(QuotaReached) as refused:
                send(owner, scripted, **place)
            assert refused.value.status == 402
            assert refused.value.sentence == (
                "You have used the 2 answers that your plan Pro allows a day. "
                "There are new ones at midnight, in 12\xa0hours. Ask your administrator for more."
            )
        assert (ChatSession.objects.count(), Run.objects.count(), AuditRecord.objects.count()) == before

    def test_name_the_plans_that_open_more(self, owner: User, scripted: DjangoAgent) -> None:
        PlanFactory(name="Small", runs_a_day=1)
        PlanFactory(name="Big", runs_a_day=100)
        send(owner, scripted)
        send(owner, scripted)
        with pytest.raises(QuotaReached, match="More is in plan Big"):
            send(owner, scripted)

    def test_come_back_at_midnight(self, owner: User, scripted: DjangoAgent, at: At) -> None:
        for _ in range(2):
            send(owner, scripted)
        at(datetime(2026, 5, 21, tzinfo=UTC))
        for _ in range(2):
            send(owner, scripted)
        with pytest.raises(QuotaReached):  # the first moment of a day is one of it
            send(owner, scripted)

    def test_let_a_repeated_submit_have_its_answer(self, owner: User, scripted: DjangoAgent) -> None:
        run = send(owner, scripted, idempotency_key="one")
        send(owner, scripted)
        assert send(owner, scripted, idempotency_key="one") == run

    def test_count_retries_and_continuations(self, owner: User, scripted: DjangoAgent) -> None:
        chat = ChatSessionFactory(user=owner, agent=scripted)
        run = answered(chat, status=Run.Status.STOPPED)
        again = dated(actions.retry_run(run=run, by=owner))
        with pytest.raises(QuotaReached):
            actions.retry_run(run=ended(again), by=owner)
        with pytest.raises(QuotaReached):
            actions.continue_run(run=again, by=owner)
        with pytest.raises(QuotaReached):
            actions.edit_message(run=again, text="Otherwise", by=owner)
        assert ChatSession.objects.count() == 1
        assert not Run.objects.get(pk=again.pk).is_hidden

    def test_count_what_leaves_no_trace(self, owner: User, scripted: DjangoAgent) -> None:
        for _ in range(2):
            dated(ephemeral.start(agent=scripted, message="Hi", history=[], context={}, by=owner))
        with pytest.raises(QuotaReached):
            ephemeral.start(agent=scripted, message="Hi", history=[], context={}, by=owner)

    def test_do_not_count_the_copies_of_a_fork(self, owner: User, scripted: DjangoAgent) -> None:
        run = answered(ChatSessionFactory(user=owner, agent=scripted))
        fork = actions.fork_session(session=run.session, through_turn=1, by=owner)
        assert quotas.meters(owner)[0].used == 1
        dated(actions.retry_run(run=fork.runs.get(), by=owner))
        assert quotas.meters(owner)[0].used == 2

    def test_do_not_count_what_was_withdrawn(self, owner: User, scripted: DjangoAgent) -> None:
        run = send(owner, scripted)
        actions.stop_run(run=run, by=owner)
        assert quotas.meters(owner)[0].used == 0

    def test_are_not_given_back_by_erasing_a_chat(self, owner: User, scripted: DjangoAgent, at: At) -> None:
        run = answered(ChatSessionFactory(user=owner, agent=scripted), input_tokens=30, output_tokens=12)
        actions.delete_session(session=run.session, by=owner)
        at(NOON + timedelta(hours=2))
        assert reaper.erase_deleted_sessions() == 1
        assert not Run.objects.exists()
        assert quotas.meters(owner)[0].used == 1
        send(owner, scripted)
        with pytest.raises(QuotaReached):
            send(owner, scripted)
        at(NOON + timedelta(days=1))
        assert quotas.meters(owner)[0].used == 0  # what was erased counts for its day as well

    def test_are_not_used_up_by_what_others_have_erased(self, owner: User, member: User, scripted: DjangoAgent) -> None:
        for _ in range(2):
            answered(ChatSessionFactory(user=member, agent=scripted)).session.delete()
        assert quotas.meters(owner)[0].used == 0

    def test_are_everybodys_own(self, owner: User, member: User, scripted: DjangoAgent, pro: Plan) -> None:
        subscribe(user=member, plan=pro, by=None)
        for _ in range(2):
            send(member, scripted)
        send(owner, scripted)


class TestTokensAMonth:
    @pytest.fixture(autouse=True)
    def some(self, pro: Plan, at: At) -> None:
        limit(pro, tokens_a_month=1000)
        at(NOON)

    def test_are_refused_when_they_are_used_up(self, owner: User, scripted: DjangoAgent, at: At) -> None:
        chat = ChatSessionFactory(user=owner, agent=scripted)
        answered(chat, input_tokens=700, output_tokens=299)
        send(owner, scripted)
        answered(chat, input_tokens=0, output_tokens=1)
        with pytest.raises(QuotaReached) as refused:
            send(owner, scripted)
        assert refused.value.sentence == (
            "You have used the 1,000 tokens that your plan Pro allows a month. There are new ones on 1 June. "
            "Ask your administrator for more."
        )
        at(datetime(2026, 6, 1, tzinfo=UTC))
        send(owner, scripted)
        answered(chat, input_tokens=1000)
        with pytest.raises(QuotaReached):  # the first moment of a month is one of it
            send(owner, scripted)

    def test_are_not_given_back_by_erasing_a_chat(self, owner: User, scripted: DjangoAgent, at: At) -> None:
        chat = ChatSessionFactory(user=owner, agent=scripted)
        for _ in range(2):
            answered(chat, input_tokens=300, output_tokens=200)
        actions.delete_session(session=chat, by=owner)
        at(NOON + timedelta(days=3))
        reaper.erase_deleted_sessions()
        with pytest.raises(QuotaReached):
            send(owner, scripted)
        at(datetime(2026, 6, 1, tzinfo=UTC))
        assert quotas.meters(owner)[0].used == 0


class TestAnswersAtOnce:
    def test_wait_for_others_to_end(self, owner: User, scripted: DjangoAgent, pro: Plan) -> None:
        limit(pro, concurrent_runs=2)
        run = send(owner, scripted)
        send(owner, scripted)
        with pytest.raises(QuotaReached) as refused:
            send(owner, scripted)
        assert refused.value.sentence == (
            "Your plan Pro allows 2 answers at once, and so many are on their way. Wait for one to end, or stop one. "
            "Ask your administrator for more."
        )
        actions.stop_run(run=run, by=owner)
        send(owner, scripted)


@pytest.mark.django_db(transaction=True)
class TestFiftySendsAtOnce:
    @pytest.mark.parametrize(("quota", "expected"), [({"runs_a_day": 7}, 7), ({"concurrent_runs": 3}, 3)])
    def test_do_not_get_past_a_quota(self, owner: User, scripted: DjangoAgent, pro: Plan, quota: dict[str, int], expected: int) -> None:
        limit(pro, **quota)
        chats = [actions.create_session(agent=scripted, by=owner) for _ in range(5)]
        outcomes: list[str] = []

        def one(number: int) -> None:
            try:
                actions.send_message(by=owner, text="Hi", session=chats[number % 5], agent=None)
                outcomes.append("sent")
            except QuotaReached:
                outcomes.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["refused"] * (50 - expected) + ["sent"] * expected
        assert Run.objects.count() == expected


class TestMeters:
    def test_say_what_is_used(self, owner: User, scripted: DjangoAgent, pro: Plan) -> None:
        limit(pro, runs_a_day=50, tokens_a_month=100_000)
        RunFactory.create_batch(12, session=ChatSessionFactory(user=owner, agent=scripted), input_tokens=1000)
        assert [(meter.used, meter.limit, meter.period) for meter in quotas.meters(owner)] == [
            (12, 50, "today"),
            (12_000, 100_000, "this month"),
        ]

    def test_are_scarce_from_four_fifths_on(self, owner: User, scripted: DjangoAgent, pro: Plan) -> None:
        limit(pro, runs_a_day=10)
        chat = ChatSessionFactory(user=owner, agent=scripted)
        RunFactory.create_batch(7, session=chat)
        assert quotas.scarce(owner) == []
        answered(chat)
        assert [meter.left for meter in quotas.scarce(owner)] == [2]

    def test_cost_nothing_while_nothing_is_limited(self, owner: User, django_assert_num_queries: Any) -> None:
        allowance_of(owner)
        with django_assert_num_queries(0):
            assert quotas.meters(owner) == quotas.scarce(owner) == []

    def test_take_the_same_queries_however_many_chats_there_are(
        self, owner: User, scripted: DjangoAgent, pro: Plan, django_assert_max_num_queries: Any
    ) -> None:
        limit(pro, runs_a_day=50, tokens_a_month=100_000, concurrent_runs=3)
        for _ in range(5):
            RunFactory.create_batch(3, session=ChatSessionFactory(user=owner, agent=scripted))
        allowance_of(owner)
        with django_assert_max_num_queries(1):
            quotas.meters(owner)


class TestSendsAMinute:
    @pytest.fixture(autouse=True)
    def two(self, settings: Any, at: At) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 2
        at(NOON)

    def test_are_counted_for_messages_retries_and_continuations(self, owner: User, scripted: DjangoAgent) -> None:
        run = send(owner, scripted)
        send(owner, scripted)
        with pytest.raises(TooMuch) as refused:
            send(owner, scripted)
        assert refused.value.sentence == "You sent a lot in a short time. Nothing was sent now. Try again in 60 seconds."
        assert int(refused.value.headers["Retry-After"]) == 60
        for act in (actions.retry_run, actions.continue_run):
            with pytest.raises(TooMuch):
                act(run=ended(run), by=owner)
        assert Run.objects.count() == 2

    def test_let_a_repeated_submit_have_its_answer(self, owner: User, scripted: DjangoAgent) -> None:
        run = send(owner, scripted, idempotency_key="one")
        for _ in range(5):
            assert send(owner, scripted, idempotency_key="one") == run
        send(owner, scripted)

    def test_are_everybodys_own(self, owner: User, member: User, scripted: DjangoAgent) -> None:
        for _ in range(2):
            send(owner, scripted)
        send(member, scripted)

    def test_cost_no_query_on_sqlite(self, owner: User, scripted: DjangoAgent, settings: Any, queries_of: Any) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 9
        with_limit = queries_of(lambda: send(owner, scripted))
        settings.AGENTOS_SENDS_A_MINUTE = 0
        without = queries_of(lambda: send(owner, scripted))
        assert with_limit - without == (0 if connection.vendor == "sqlite" else 1)


class TestForksAMinute:
    def test_are_limited(self, owner: User, scripted: DjangoAgent, settings: Any) -> None:
        settings.AGENTOS_CREATIONS_A_MINUTE = 1
        limits.forget()
        run = answered(ChatSessionFactory(user=owner, agent=scripted))
        actions.fork_session(session=run.session, through_turn=1, by=owner)
        with pytest.raises(TooMuch):
            actions.fork_session(session=run.session, through_turn=1, by=owner)


@pytest.fixture
def queries_of() -> Callable[[Callable[[], Any]], int]:
    def count(work: Callable[[], Any]) -> int:
        work()
        with CaptureQueriesContext(connection) as captured:
            work()
        return len(captured)

    return count


def ended(run: Run) -> Run:
    Run.objects.filter(pk=run.pk).update(status=Run.Status.STOPPED, attempt=1, parts=[{"kind": "text", "text": "So far"}])
    run.refresh_from_db()
    count_answer(run=run, agent_pk=run.session.agent_id, asked=[])
    return run
