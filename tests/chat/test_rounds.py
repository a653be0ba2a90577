"""Rounds of tests: by whom and of what, how each test goes, what ends a round, and what is left of it when its server goes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from agentos.access.models import Membership, Plan, Team, User
from agentos.agents import actions as workshop
from agentos.agents.errors import CannotTest, NotReady, NotYourAgent
from agentos.agents.models import AgentCase, CaseResult, CaseRound, DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import quotas, trying
from agentos.chat.errors import AgentUnavailable, QuotaReached
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.rounds import actions, answering, leases
from agentos.chat.rounds.driver import Rounds
from agentos.chat.runs.engine import Engine
from agentos.core import clock, db
from agentos.core.pubsub import pubsub


@pytest.fixture
def agent(owner: User, support: Team) -> DjangoAgent:
    return workshop.start_agent(name="Helper", team=support, blueprint={"model": "scripted:echo"}, by=owner)


def answers_by(agent: DjangoAgent, model: str, **more: Any) -> None:
    workshop.save_draft(agent=agent, changes={"model": model, **more}, stamp=None, by=None)


def case(agent: DjangoAgent, message: str = "Hello there", **expected: Any) -> AgentCase:
    return AgentCase.objects.create(agent=agent, message=message, **expected)


@pytest.fixture
async def rounds(engine: Engine) -> AsyncIterator[Rounds]:
    rounds = Rounds()
    rounds.start()
    yield rounds
    await rounds.stop()


async def run_all(rounds: Rounds, agent: DjangoAgent, by: User) -> CaseRound:
    made = await db.write(actions.start_round, agent=agent, by=by)
    return await ended(rounds, made)


async def ended(rounds: Rounds, made: CaseRound) -> CaseRound:
    for task in list(rounds.tasks.values()):
        await task
    return await CaseRound.objects.aget(pk=made.pk)


async def result_of(case: AgentCase) -> CaseResult:
    return await CaseResult.objects.aget(case=case)


class TestStarting:
    def test_is_for_those_who_may_change_the_agent(
        self, agent: DjangoAgent, owner: User, member: User, stranger: User, operator: User
    ) -> None:
        case(agent)
        for other in (member, stranger):
            with pytest.raises(NotYourAgent):
                actions.start_round(agent=agent, by=other)
        made = actions.start_round(agent=agent, by=operator)
        for other in (member, stranger):
            with pytest.raises(NotYourAgent):
                actions.stop_round(found=made, by=other)
        assert actions.stop_round(found=made, by=owner)
        assert not actions.stop_round(found=made, by=owner)
        verbs = AuditRecord.objects.filter(verb__startswith="agents.tests").order_by("pk").values_list("verb", "actor")
        assert list(verbs) == [("agents.tests.started", operator.pk), ("agents.tests.stopped", owner.pk)]

    def test_says_what_is_missing(self, agent: DjangoAgent, owner: User) -> None:
        with pytest.raises(CannotTest):
            actions.start_round(agent=agent, by=owner)
        case(agent)
        answers_by(agent, "")
        with pytest.raises(NotReady):
            actions.start_round(agent=agent, by=owner)
        answers_by(agent, "scripted:nothing")
        with pytest.raises(AgentUnavailable):
            actions.start_round(agent=agent, by=owner)
        assert not CaseRound.objects.exists()

    def test_is_done_once_at_a_time(self, agent: DjangoAgent, owner: User) -> None:
        case(agent)
        first = actions.start_round(agent=agent, by=owner)
        with pytest.raises(CannotTest):
            actions.start_round(agent=agent, by=owner)
        assert CaseRound.objects.get() == first

    def test_tests_the_draft_or_a_version(self, agent: DjangoAgent, owner: User) -> None:
        case(agent)
        answers_by(agent, "scripted:echo", instructions="One.")
        workshop.publish_agent(agent=agent, by=owner)
        answers_by(agent, "scripted:echo", instructions="Two.")
        draft = actions.start_round(agent=agent, by=owner)
        assert (draft.version, draft.blueprint["instructions"]) == (None, "Two.")
        actions.stop_round(found=draft, by=owner)
        version = actions.start_round(agent=agent, version=1, by=owner)
        assert (version.version, version.blueprint["instructions"]) == (1, "One.")
        assert version.digest != draft.digest

    def test_forgets_what_is_long_ago(self, agent: DjangoAgent, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(actions, "KEPT", 2)
        case(agent)
        made = []
        for _ in range(3):
            made.append(actions.start_round(agent=agent, by=owner))
            actions.stop_round(found=made[-1], by=owner)
        assert list(CaseRound.objects.order_by("pk")) == made[1:]

    def test_counts(self, agent: DjangoAgent, owner: User, pro: Plan) -> None:
        case(agent)
        Plan.objects.filter(pk=pro.pk).update(runs_a_day=0)
        with pytest.raises(QuotaReached):
            actions.start_round(agent=agent, by=owner)


class TestAnswering:
    async def test_finds_what_was_met(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        good = await db.write(case, agent, must_say=["hello"], must_not_say=["sorry"])
        bad = await db.write(case, agent, must_say=["goodbye"])
        done = await run_all(rounds, agent, owner)
        assert (done.status, done.reason) == (CaseRound.Status.DONE, "")
        passed, failed = await result_of(good), await result_of(bad)
        assert (passed.outcome, passed.answer, failed.outcome) == ("passed", "Hello there", "failed")
        assert [found["ok"] for found in passed.findings] == [True, True]
        assert passed.tokens
        record = await AuditRecord.objects.aget(verb="agents.tests.ended")
        assert (record.data["passed"], record.data["tests"]) == (1, 2)

    async def test_leaves_no_trace_but_its_cost(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(case, agent)
        await run_all(rounds, agent, owner)
        run = await Run.objects.aget()
        assert (run.input, run.answer, run.options, run.by_id) == ("", "", {}, owner.pk)
        assert run.output_tokens
        assert not await RunEvent.objects.aexists()
        assert await ChatSession.objects.aget(is_ephemeral=True, erased_at__isnull=False)

    async def test_knows_which_tools_were_called(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(answers_by, agent, "scripted:tool", tools=["calculator"])
        good, bad = await db.write(case, agent, tools=["calculator"]), await db.write(case, agent, tools=["clock"])
        await run_all(rounds, agent, owner)
        passed, failed = await result_of(good), await result_of(bad)
        assert (passed.outcome, failed.outcome, passed.tools) == ("passed", "failed", ["multiply"])

    async def test_refuses_what_asks_and_says_so(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(answers_by, agent, "scripted:approve", tools=["letterbox"])
        one = await db.write(case, agent, tools=["letterbox"])
        await run_all(rounds, agent, owner)
        found = await result_of(one)
        assert (found.outcome, found.refused) == ("passed", ["post_letter"])

    async def test_gives_up_on_what_asks_for_ever(
        self, rounds: Rounds, agent: DjangoAgent, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agentos.chat.rounds.driver.REFUSALS", 0)
        await db.write(answers_by, agent, "scripted:approve", tools=["letterbox"])
        one = await db.write(case, agent)
        done = await run_all(rounds, agent, owner)
        found = await result_of(one)
        assert (done.status, found.outcome) == (CaseRound.Status.DONE, "no_answer")
        assert "nobody approves" in found.error
        assert not await Run.objects.filter(status__in=Run.OPEN).aexists()

    async def test_goes_on_after_an_answer_that_failed(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(answers_by, agent, "scripted:auth")
        one = await db.write(case, agent)
        done = await run_all(rounds, agent, owner)
        found = await result_of(one)
        assert (done.status, found.outcome) == (CaseRound.Status.DONE, "no_answer")
        assert found.error


class TestJudge:
    @pytest.mark.parametrize(
        ("criterion", "outcome"), [("Hello there", "passed"), ("says goodbye", "failed"), ("so that you mumble", "unclear")]
    )
    async def test_decides(self, rounds: Rounds, agent: DjangoAgent, owner: User, criterion: str, outcome: str) -> None:
        one = await db.write(case, agent, criterion=criterion)
        await run_all(rounds, agent, owner)
        found = await result_of(one)
        assert found.outcome == outcome
        assert found.findings[-1]["said"]
        assert await Run.objects.acount() == 2
        assert not await Run.objects.exclude(input="").aexists()

    async def test_is_not_asked_of_what_failed_anyway(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        one = await db.write(case, agent, criterion="Hello there", must_say=["goodbye"])
        await run_all(rounds, agent, owner)
        assert (await result_of(one)).outcome == "failed"
        assert await Run.objects.acount() == 1

    async def test_has_neither_instructions_nor_tools_of_the_agent(
        self, rounds: Rounds, agent: DjangoAgent, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []
        real = answering.begin_run

        def noted(agent: DjangoAgent, blueprint: dict[str, Any], *more: Any) -> Run:
            asked.append(blueprint)
            return real(agent, blueprint, *more)

        monkeypatch.setattr(answering, "begin_run", noted)
        await db.write(answers_by, agent, "scripted:echo", instructions="Be kind.", tools=["clock"])
        await db.write(case, agent, criterion="Hello there")
        await run_all(rounds, agent, owner)
        assert [(each["tools"], "Be kind." in each["instructions"]) for each in asked] == [(["clock"], True), ([], False)]

    async def test_whose_quota_is_gone_decides_nothing(self, rounds: Rounds, agent: DjangoAgent, owner: User, pro: Plan) -> None:
        await Plan.objects.filter(pk=pro.pk).aupdate(runs_a_day=1)
        one = await db.write(case, agent, criterion="Hello there")
        await run_all(rounds, agent, owner)
        found = await result_of(one)
        assert found.outcome == "unclear"
        assert "allows a day" in found.findings[-1]["said"]


class TestEnd:
    async def test_comes_with_the_quota(self, rounds: Rounds, agent: DjangoAgent, owner: User, pro: Plan) -> None:
        await Plan.objects.filter(pk=pro.pk).aupdate(runs_a_day=1)
        first, second = await db.write(case, agent), await db.write(case, agent)
        done = await run_all(rounds, agent, owner)
        assert done.status == CaseRound.Status.STOPPED
        assert "allows a day" in done.reason
        assert [(await result_of(each)).outcome for each in (first, second)] == ["passed", ""]
        assert (await db.read(quotas.meters, owner))[0].used == 1

    async def test_comes_with_the_rights(self, rounds: Rounds, agent: DjangoAgent, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        real = answering.settle

        def settle(*given: Any) -> Any:
            owner.memberships.update(role=Membership.Role.MEMBER)
            return real(*given)

        monkeypatch.setattr(answering, "settle", settle)
        first, second = await db.write(case, agent), await db.write(case, agent)
        done = await run_all(rounds, agent, owner)
        assert (done.status, "may no longer" in done.reason) == (CaseRound.Status.STOPPED, True)
        assert [(await result_of(each)).outcome for each in (first, second)] == ["passed", ""]

    async def test_comes_when_somebody_stops_it(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(answers_by, agent, "scripted:hang@2")
        one = await db.write(case, agent)
        made = await db.write(actions.start_round, agent=agent, by=owner)
        await answer_begins()
        assert await db.write(actions.stop_round, found=made, by=owner)
        stopped = await ended(rounds, made)
        assert (stopped.status, (await result_of(one)).outcome) == (CaseRound.Status.STOPPED, "")
        assert not await Run.objects.filter(status__in=Run.OPEN).aexists()

    async def test_comes_with_the_server_which_says_so(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(answers_by, agent, "scripted:hang@2")
        one = await db.write(case, agent)
        made = await db.write(actions.start_round, agent=agent, by=owner)
        await answer_begins()
        await rounds.stop()
        found = await CaseRound.objects.aget(pk=made.pk)
        assert (found.status, "Run them again" in found.reason) == (CaseRound.Status.INTERRUPTED, True)
        assert (await result_of(one)).outcome == ""
        assert not await Run.objects.filter(status__in=Run.OPEN).aexists()
        assert await db.write(actions.start_round, agent=agent, by=owner)

    def test_of_a_server_that_died_is_seen_by_its_lease(self, agent: DjangoAgent, owner: User) -> None:
        case(agent)
        made = actions.start_round(agent=agent, by=owner)
        assert leases.renew(made.pk)
        CaseRound.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        made.refresh_from_db()
        assert (made.state, made.is_running) == (CaseRound.Status.INTERRUPTED, False)
        again = actions.start_round(agent=agent, by=owner)
        made.refresh_from_db()
        assert (made.status, again.is_running) == (CaseRound.Status.INTERRUPTED, True)
        assert not leases.renew(made.pk)

    async def test_leaves_what_is_tried_in_the_pane_alone(self, rounds: Rounds, agent: DjangoAgent, owner: User) -> None:
        await db.write(answers_by, agent, "scripted:hang@2")
        await db.write(case, agent)
        made = await db.write(actions.start_round, agent=agent, by=owner)
        await answer_begins()
        assert await db.read(trying.trials_of, owner, agent) == []
        run = await Run.objects.aget(status__in=Run.OPEN)
        assert await db.read(trying.trial_for, owner, run.run_id) is None
        await db.write(trying.stop, agent=agent, by=owner)
        assert await Run.objects.filter(status__in=Run.OPEN).aexists()
        await db.write(actions.stop_round, found=made, by=owner)
        await ended(rounds, made)


async def answer_begins() -> None:
    """Wait until a test is being answered."""
    with pubsub.subscribe() as nothing:
        while not await Run.objects.filter(status=Run.Status.RUNNING).aexists():
            await nothing.wait(0.05)
