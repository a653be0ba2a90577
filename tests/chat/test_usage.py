"""What was used: counted once with the end of each answer, kept when chats, people and agents go, and read quickly for many people."""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from agentos.access.models import Team, User
from agentos.agents.events import Failed, Finished, Interrupted, Stopped, Waiting
from agentos.agents.models import DjangoAgent
from agentos.chat import actions, usage
from agentos.chat.counting import NUMBERS, count_requests
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.usage_models import MonthlyUsage, Usage
from agentos.core import clock
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory, UserFactory

NOW = datetime(2026, 5, 20, 23, 30, tzinfo=UTC)
TODAY = date(2026, 5, 20)
LINE = {"input_tokens": 1000, "output_tokens": 100, "cached": 400, "reasoning": 60}
OTHER = {"input_tokens": 10, "output_tokens": 1, "model": "openai:gpt-4.1-mini"}
UNKNOWN = {"input_tokens": 7, "output_tokens": 3, "model": "openai-like:mystery"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def begun(session: ChatSession, *lines: dict[str, Any], model: str = "openai:gpt-4.1") -> Run:
    actions.send_message(by=session.user, session=session, text="hello")
    run = claim_next(session.pk, timedelta(seconds=30))
    assert run is not None
    Run.objects.filter(pk=run.pk).update(model=model, created_at=clock.now())
    RunEvent.objects.bulk_create(
        RunEvent(run=run, seq=seq, attempt=1, kind="usage", data=data) for seq, data in enumerate(lines, run.last_seq + 1)
    )
    return run


def counted(rows: Any = Usage) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = list(rows.objects.order_by("day", "user", "agent", "model").values_list("model", *NUMBERS))
    return found


def answered(chat: ChatSession, days_ago: int = 0, **more: Any) -> Run:
    run: Run = RunFactory(session=chat, attempt=1, model="openai:m", created_at=NOW - timedelta(days=days_ago), **more)
    return run


class TestCounting:
    def test_is_by_model_and_once(self, now: None, session: ChatSession) -> None:
        run = begun(session, LINE, OTHER, LINE, UNKNOWN)
        assert end_run(run_pk=run.pk, event=Finished(), attempt=1)
        assert not end_run(run_pk=run.pk, event=Finished(), attempt=1)
        expected = [
            ("openai-like:mystery", 0, 7, 3, 0, 0, 0, 1),
            ("openai:gpt-4.1", 1, 2000, 200, 800, 120, 4400, 0),
            ("openai:gpt-4.1-mini", 0, 10, 1, 0, 0, 6, 0),
        ]
        assert counted() == counted(MonthlyUsage) == expected
        assert set(Usage.objects.values_list("day", "user", "agent", "team")) == {(TODAY, session.user_id, session.agent_id, None)}
        assert set(MonthlyUsage.objects.values_list("day")) == {(date(2026, 5, 1),)}

    def test_adds_to_the_same_row(self, now: None, session: ChatSession) -> None:
        for event in (Finished(), Failed(code="x"), Stopped(), Interrupted()):
            assert end_run(run_pk=begun(session, LINE).pk, event=event, attempt=1)
        assert counted() == [("openai:gpt-4.1", 4, 4000, 400, 1600, 240, 8800, 0)]

    def test_waits_for_the_end_of_a_run_that_waits(self, session: ChatSession) -> None:
        run = begun(session, LINE)
        assert end_run(run_pk=run.pk, event=Waiting(requirements=[], output={}), attempt=1)
        assert counted() == []
        assert end_run(run_pk=run.pk, event=Stopped())
        assert counted() == [("openai:gpt-4.1", 1, 1000, 100, 400, 60, 2200, 0)]

    def test_is_undone_with_the_end_of_the_run(self, session: ChatSession, monkeypatch: pytest.MonkeyPatch) -> None:
        run = begun(session, LINE)

        def crash(*_args: Any, **_more: Any) -> None:
            raise OSError

        monkeypatch.setattr("agentos.chat.runs.ending.emit", crash)
        with pytest.raises(OSError):
            end_run(run_pk=run.pk, event=Finished(), attempt=1)
        assert counted() == []

    @pytest.mark.parametrize(
        ("event", "model", "unpriced"), [(Finished(), "openai:m", 1), (Failed(code="x"), "openai:m", 0), (Finished(), "local:m", 0)]
    )
    def test_says_where_a_price_is_not_known(self, session: ChatSession, event: Any, model: str, unpriced: int) -> None:
        end_run(run_pk=begun(session, model=model).pk, event=event, attempt=1)
        assert counted() == [(model, 1, 0, 0, 0, 0, 0, unpriced)]

    def test_leaves_out_what_was_withdrawn(self, session: ChatSession, member: User) -> None:
        begun(session)
        waits = actions.send_message(by=member, session=session, text="and this")
        actions.stop_run(run=waits, by=member)
        assert counted() == []

    def test_is_of_the_day_on_which_the_message_was_sent(self, now: None, session: ChatSession, monkeypatch: pytest.MonkeyPatch) -> None:
        run = begun(session, LINE)
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))
        end_run(run_pk=run.pk, event=Finished(), attempt=1)
        assert Usage.objects.get().day == TODAY

    def test_is_of_the_team_that_has_the_agent(self, member: User, team_agent: DjangoAgent) -> None:
        end_run(run_pk=begun(ChatSessionFactory(user=member, agent=team_agent), LINE).pk, event=Finished(), attempt=1)
        assert Usage.objects.get().team == MonthlyUsage.objects.get().team == team_agent.team

    def test_stays_when_chat_person_agent_and_team_go(self, member: User, team_agent: DjangoAgent) -> None:
        chat = ChatSessionFactory(user=member, agent=team_agent)
        answered(chat)
        chat.delete()
        team_agent.delete()
        Team.objects.all().delete()
        member.delete()
        assert [(row.user, row.agent, row.team, row.answers) for row in Usage.objects.all()] == [(None, None, None, 1)]

    @pytest.mark.django_db(transaction=True)
    def test_loses_nothing_of_what_is_counted_at_once(self, member: User, scripted: DjangoAgent) -> None:
        def work() -> None:
            try:
                for _ in range(5):
                    count_requests(user_pk=member.pk, agent_pk=scripted.pk, model="openai:gpt-4.1", lines=[LINE, OTHER])
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [row[:3] for row in counted()] == [("openai:gpt-4.1", 0, 40_000), ("openai:gpt-4.1-mini", 0, 400)]
        assert counted() == counted(MonthlyUsage)


class TestSoFar:
    def test_is_what_would_have_been_counted(self, now: None, member: User, team_agent: DjangoAgent, session: ChatSession) -> None:
        """The migration that counts what was answered before."""
        for chat in (ChatSessionFactory(user=member, agent=team_agent), session):
            for days_ago in (0, 0, 3, 40):
                tokens = {"input_tokens": 5, "output_tokens": 3, "cached_tokens": 2, "reasoning_tokens": 1}
                answered(chat, days_ago, cost_micro=None if days_ago else 50, **tokens)
        actions.fork_session(session=session, through_turn=2, by=session.user)
        Run.objects.create(session=session, by=session.user, turn=9, input="x", status="stopped", is_hidden=True)
        Run.objects.create(session=session, by=session.user, turn=9, input="x", status="queued")
        before = [self.rows(Usage), self.rows(MonthlyUsage)]
        assert len(before[0]) == 6
        Usage.objects.all().delete()
        MonthlyUsage.objects.all().delete()
        import_module("agentos.chat.migrations.0024_usage_so_far").count(Old(member), connection.schema_editor())
        erased = (date(2026, 4, 2), member.pk, None, None, "", 4, 40, 0, 0, 0, 0, 0)
        assert self.rows(Usage) == [erased, *before[0]]
        assert self.rows(MonthlyUsage) == [(date(2026, 4, 1), *erased[1:]), *before[1]]

    def rows(self, table: type[Usage | MonthlyUsage]) -> list[tuple[Any, ...]]:
        rows = table.objects.values_list("day", "user", "agent", "team", "model", *NUMBERS)
        return sorted(rows, key=lambda row: [value or 0 if index != 4 else value for index, value in enumerate(row)])


class Old:
    """The models as they were, with one chat of a member that is erased."""

    def __init__(self, user: User) -> None:
        erased = type("Erased", (), {"day": date(2026, 4, 2), "user_id": user.pk, "runs": 4, "tokens": 40})
        rows = type("All", (), {"using": staticmethod(lambda _alias: rows), "iterator": staticmethod(lambda _size: [erased])})
        self.ErasedUsage = type("ErasedUsage", (), {"objects": rows})

    def get_model(self, app: str, name: str) -> Any:
        return self.ErasedUsage if name == "ErasedUsage" else apps.get_model(app, name)


class TestReport:
    def test_is_by_day_agent_model_and_person(self, now: None, member: User, owner: User, scripted: DjangoAgent) -> None:
        first, second = (ChatSessionFactory(user=member, agent=agent) for agent in (scripted, AgentFactory(name="Other")))
        answered(first, input_tokens=5)
        answered(second, input_tokens=7, cost_micro=900)
        answered(second, 29, output_tokens=1)
        answered(second, 30)  # too long ago
        answered(ChatSessionFactory(user=owner, agent=scripted), cost_micro=100)
        found = usage.report(usage.of_all(), usage.PERIODS["30"], with_people=True)
        assert (found.total.answers, found.total.tokens, found.total.cost_micro, found.total.unpriced) == (4, 13, 1000, 2)
        assert [(used.name, used.answers, used.tokens, used.cost) for used in found.agents] == [
            ("Other", 2, 8, "$0.00090"),
            ("Scripted", 2, 5, "$0.00010"),
        ]
        assert [(used.name, used.answers) for used in found.models] == [("openai:m", 4)]
        assert [(used.name, used.answers) for used in found.people] == [(member.name, 3), (owner.name, 1)]
        assert [(used.key, used.answers) for used in found.newest_first] == [(TODAY, 3), (date(2026, 4, 21), 1)]
        assert (len(found.times), found.times[0].key, found.times[-1].key) == (30, date(2026, 4, 21), TODAY)
        own = usage.report(usage.of_person(owner), usage.PERIODS["30"], with_people=False)
        assert (own.total.answers, own.people) == (1, [])

    def test_of_a_year_is_by_month(self, now: None, member: User, scripted: DjangoAgent) -> None:
        chat = ChatSessionFactory(user=member, agent=scripted)
        for days_ago in (0, 19, 20, 353, 354):
            answered(chat, days_ago)
        found = usage.report(usage.of_all(), usage.PERIODS["year"], with_people=True)
        months = [(used.key, used.answers) for used in found.newest_first]
        assert months == [(date(2026, 5, 1), 2), (date(2026, 4, 1), 1), (date(2025, 6, 1), 1)]
        assert (len(found.times), found.times[0].key) == (12, date(2025, 6, 1))

    def test_of_a_year_of_five_hundred_people_takes_few_queries(self, now: None, django_assert_max_num_queries: Any) -> None:
        grow(500, [agent.pk for agent in AgentFactory.create_batch(4)])
        with django_assert_max_num_queries(6):
            found = usage.report(usage.of_all(), usage.PERIODS["year"], with_people=True)
        assert (found.total.answers, len(found.people), found.more["people"]) == (500 * 4 * 12, usage.SHOWN, 450)


def grow(count: int, agents: Sequence[int]) -> None:
    """A year of so many people, each of whom asks each of the agents."""
    users = User.objects.bulk_create(UserFactory.build(password="!") for _ in range(count))
    MonthlyUsage.objects.bulk_create(
        MonthlyUsage(day=month, user=user, agent_id=agent, model=f"openai:{agent}", answers=1, input_tokens=7)
        for month in usage.PERIODS["year"].steps()
        for user in users
        for agent in agents
    )
