"""Trying a draft: who may, what answers, that nothing of it is kept, and that it counts."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.models import Membership, Plan, Team, User
from agentos.agents import actions as workshop
from agentos.agents import queries as catalogue
from agentos.agents.blueprint import Blueprint, checked
from agentos.agents.errors import NotReady, NotYourAgent
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.audit.models import AuditRecord
from agentos.chat import actions, callers, quotas, trying
from agentos.chat.callers import Caller
from agentos.chat.errors import AgentUnavailable, InvalidInput, QuotaReached
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.engine import Engine
from agentos.chat.runs.entitlement import RunRights
from agentos.core import db
from agentos.dashboard.trying import SIZE, Trial, history_in
from tests.dashboard.asking import post
from tests.factories import AgentFactory, MembershipFactory, RemoteServerFactory, RemoteToolFactory, SkillFactory, TeamFactory

SAID = [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}]


@pytest.fixture(autouse=True)
def nobody_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they are signed in: the calls come from no browser."""
    monkeypatch.setattr(callers, "CHECK_SECONDS", 3600.0)


def blueprint(model: str = "scripted:echo", **more: Any) -> Blueprint:
    return checked({"name": "Helper", "model": model, **more})


@pytest.fixture
def agent(owner: User, support: Team) -> DjangoAgent:
    return workshop.start_agent(name="Helper", team=support, by=owner)


def start(agent: DjangoAgent, by: User, said: str = "Hello there", **more: Any) -> Run:
    return trying.start(agent=agent, message=said, by=by, **{"blueprint": blueprint(), "history": [], **more})


async def heard(run: Run, agent: DjangoAgent, user: User, *, is_new: bool = True, history: Any = ()) -> str:
    """All that the pane is sent."""
    trial = Trial(run, agent, user, list(history), Caller(user.pk, "", ""), is_new=is_new)
    return b"".join([frame async for frame in trial.frames()]).decode()


class TestRights:
    def test_are_those_of_who_may_change_it(self, agent: DjangoAgent, owner: User, member: User, stranger: User, operator: User) -> None:
        for other in (member, stranger):
            with pytest.raises(NotYourAgent):
                start(agent, other)
        assert start(agent, owner).session.is_ephemeral
        assert start(agent, operator).session.is_ephemeral
        assert AuditRecord.objects.filter(verb="agents.draft.tried", object_id="helper").count() == 2

    def test_that_are_lost_end_it(self, agent: DjangoAgent, owner: User) -> None:
        run = start(agent, owner)
        assert RunRights().lost() == []
        owner.memberships.update(role=Membership.Role.MEMBER)
        assert RunRights().lost() == [(run.pk, "agent_closed")]

    def test_open_nobody_elses(self, agent: DjangoAgent, owner: User, operator: User) -> None:
        run = start(agent, owner)
        assert trying.trial_for(owner, run.run_id) == run
        assert trying.trial_for(operator, run.run_id) is None


class TestStarting:
    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"blueprint": blueprint("")}, NotReady),
            ({"blueprint": blueprint(tools=["nothing"])}, NotReady),
            ({"blueprint": blueprint("scripted:nothing")}, AgentUnavailable),
            ({"said": " "}, InvalidInput),
        ],
    )
    def test_says_what_is_missing(self, agent: DjangoAgent, owner: User, more: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            start(agent, owner, **more)
        assert not Run.objects.exists()

    def test_counts(self, agent: DjangoAgent, owner: User, pro: Plan) -> None:
        Plan.objects.filter(pk=pro.pk).update(runs_a_day=2)
        for _ in range(2):
            start(agent, owner)
            Run.objects.update(attempt=1)
        with pytest.raises(QuotaReached):
            start(agent, owner)

    def test_ends_what_was_tried_before(self, agent: DjangoAgent, owner: User) -> None:
        first, second = start(agent, owner), start(agent, owner)
        first.refresh_from_db()
        assert (first.status, [run.pk for run in trying.trials_of(owner, agent)]) == (Run.Status.STOPPED, [second.pk])


class TestAnswering:
    async def test_is_by_the_draft_and_kept_nowhere(self, engine: Engine, agent: DjangoAgent, owner: User) -> None:
        run = await db.write(start, agent, owner, history=SAID)
        assert (run.turn, run.agent_version) == (2, None)
        told = await heard(run, agent, owner, history=SAID)
        assert "Hello there" in told
        assert 'id="turn-2"' in told
        assert "&quot;One&quot;" in told
        assert (await Run.objects.aget(pk=run.pk)).input == ""
        assert not await RunEvent.objects.aexists()
        assert (await ChatSession.objects.aget()).given_history == []
        assert (await Run.objects.aget(pk=run.pk)).output_tokens

    async def test_is_stopped(self, engine: Engine, agent: DjangoAgent, owner: User) -> None:
        run = await db.write(start, agent, owner, blueprint=blueprint("scripted:hang"))
        await db.write(trying.stop, agent=agent, by=owner)
        told = await heard(run, agent, owner)
        assert 'data-status="stopped"' in told

    async def test_ends_with_who_listens(self, engine: Engine, agent: DjangoAgent, owner: User) -> None:
        run = await db.write(start, agent, owner, blueprint=blueprint("scripted:hang"))
        frames = Trial(run, agent, owner, [], Caller(owner.pk, "", "")).frames()
        await anext(frames)
        await frames.aclose()  # type: ignore[attr-defined]
        stored = await Run.objects.aget(pk=run.pk)
        assert (stored.status, stored.input) == (Run.Status.STOPPED, "")

    async def test_waits_for_a_yes_and_goes_on(self, engine: Engine, agent: DjangoAgent, owner: User) -> None:
        chosen = blueprint("scripted:approve", tools=["letterbox"])
        run = await db.write(start, agent, owner, blueprint=chosen)
        told = await heard(run, agent, owner)
        assert f"/try/{run.run_id}/answer/" in told
        waiting = await Run.objects.aget(pk=run.pk)
        assert waiting.status == Run.Status.WAITING
        answers = [Answer(waiting.requirements[0]["call_id"], confirmed=True)]
        await db.write(actions.answer_run, run=waiting, answers=answers, by=owner)
        told = await heard(run, agent, owner, is_new=False)
        assert 'data-status="completed"' in told
        assert (await Run.objects.aget(pk=run.pk)).input == ""

    async def test_stays_when_it_waits_and_another_message_is_sent(self, engine: Engine, agent: DjangoAgent, owner: User) -> None:
        run = await db.write(start, agent, owner, "Post it", blueprint=blueprint("scripted:approve", tools=["letterbox"]))
        told = await heard(run, agent, owner)
        assert f'name="waits" value="{run.run_id}" form="try-form"' in told
        waiting = await Run.objects.select_related("session").aget(pk=run.pk)
        history = trying.history_with(waiting, [])
        second = await db.write(start, agent, owner, history=history)
        await waiting.arefresh_from_db()
        trial = Trial(second, agent, owner, history, Caller(owner.pk, "", ""), left=waiting)
        told = b"".join([frame async for frame in trial.frames()]).decode()
        assert "you went on with another message" in told
        assert 'id="turn-2"' in told

    async def test_that_fails_says_nothing_of_a_message_that_is_saved_and_names_the_tool(
        self, engine: Engine, agent: DjangoAgent, owner: User
    ) -> None:
        run = await db.write(start, agent, owner, blueprint=blueprint("scripted:tool", tools=["calculator", "sql"]))
        told = await heard(run, agent, owner)
        assert "These tools cannot be used now: Database." in told
        assert "saved" not in told


class TestWhatBelongsToTheTeam:
    """Its connections and its skills."""

    async def test_is_there_in_the_draft_as_it_is_in_a_chat(self, engine: Engine, agent: DjangoAgent, owner: User, support: Team) -> None:
        def given() -> Blueprint:
            server = RemoteServerFactory(slug="shop", team=support)
            RemoteToolFactory(server=server, name="track")
            SkillFactory(name="voice", team=support)
            return blueprint("scripted:calls", tools=["mcp:shop/track"], skills=["voice"])

        run = await db.write(start, agent, owner, 'read_skill {"name": "voice"}', blueprint=await db.write(given))
        spec = await db.read(trying.spec_of_run, run)
        assert list(spec.toolbox) == ["mcp:shop/track"]
        assert [skill.name for skill in spec.skills] == ["voice"]
        assert 'data-status="completed"' in await heard(run, agent, owner)


class TestTeams:
    @pytest.fixture
    def post_office(self, support: Team) -> DjangoAgent:
        return AgentFactory(agent_id="post", name="Post", model="scripted:approve", tools=["letterbox"], team=support)

    def led(self, kind: str = "team", *ids: str) -> Blueprint:
        return blueprint("scripted:lead", kind=kind, members=[{"agent": each, "task": ""} for each in ids or ("post",)])

    async def test_are_tried_with_the_members_of_the_draft(
        self, engine: Engine, agent: DjangoAgent, owner: User, post_office: DjangoAgent
    ) -> None:
        for kind in ("team", "steps"):
            run = await db.write(start, agent, owner, blueprint=self.led(kind))
            assert f"/try/{run.run_id}/answer/" in await heard(run, agent, owner)
            waiting = await Run.objects.aget(pk=run.pk)
            assert waiting.requirements[0]["member"] == "Post"
            answers = [Answer(waiting.requirements[0]["call_id"], confirmed=True)]
            await db.write(actions.answer_run, run=waiting, answers=answers, by=owner)
            assert 'data-status="completed"' in await heard(run, agent, owner, is_new=False)

    def test_have_no_member_that_one_may_not_choose(self, agent: DjangoAgent, owner: User, other_team_agent: DjangoAgent) -> None:
        with pytest.raises(NotReady, match="that you may choose"):
            start(agent, owner, blueprint=self.led("team", other_team_agent.agent_id))
        assert not Run.objects.exists()

    def test_say_who_cannot_answer(self, agent: DjangoAgent, owner: User, operator: User, post_office: DjangoAgent) -> None:
        DjangoAgent.objects.filter(pk=post_office.pk).update(model="scripted:nothing")
        with pytest.raises(AgentUnavailable, match="Its member Post cannot answer"):
            start(agent, operator, blueprint=self.led())
        with pytest.raises(AgentUnavailable, match="Ask your administrator, or choose others"):
            start(agent, owner, blueprint=self.led())


class TestHistory:
    @pytest.mark.parametrize("text", ["", "x", "{}", "[1]", '[{"role": "system", "content": "x"}]', '[{"role": "user", "content": 1}]'])
    def test_that_is_none_is_empty(self, text: str) -> None:
        assert history_in(text) == []

    def test_is_as_long_as_can_be_told(self) -> None:
        import json

        said = [{"role": "user", "content": "x" * 30_000}] * 4
        kept = history_in(json.dumps(said))
        assert sum(len(each["content"]) for each in kept) <= SIZE
        assert kept


class TestPages:
    def test_say_why_not(self, as_owner: Client, agent: DjangoAgent) -> None:
        url = f"/agentos/workshop/agent/{agent.agent_id}/try/"
        answer = post(as_owner, url, {"message": "Hi"})
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#notices")
        plain = as_owner.post(url, {"message": "Hi, whole"})
        assert plain.status_code == 409
        assert b"Hi, whole" in plain.content

    def test_give_up_what_waits_only_where_the_pane_shows_it(
        self, as_owner: Client, agent: DjangoAgent, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[Any] = []
        real = trying.start

        def noted(**given: Any) -> Run:
            told.append(given["history"])
            return real(**given)

        run = start(agent, owner, "Post it")
        monkeypatch.setattr(trying, "start", noted)
        form = {"name": "X", "instructions": "Typed", "model": "scripted:echo", "message": "Hi"}
        Run.objects.filter(pk=run.pk).update(status=Run.Status.WAITING)
        url = f"/agentos/workshop/agent/{agent.agent_id}/try/"
        post(as_owner, url, {**form, "waits": run.run_id})
        post(as_owner, url, {**form, "waits": run.run_id})  # it has ended
        post(as_owner, url, {**form, "waits": "run_other"})
        assert told == [[{"role": "user", "content": "Post it"}], [], []]

    def test_try_what_stands_in_the_form(self, as_owner: Client, agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[Blueprint] = []
        real = trying.start

        def noted(**given: Any) -> Run:
            tried.append(given["blueprint"])
            return real(**given)

        monkeypatch.setattr(trying, "start", noted)
        form = {"name": "X", "instructions": "Typed", "model": "scripted:echo", "tool:clock": "ask", "message": "Hi"}
        answer = post(as_owner, f"/agentos/workshop/agent/{agent.agent_id}/try/", form)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert (tried[0]["instructions"], tried[0]["tool_policies"]) == ("Typed", {"clock": "ask"})
        assert catalogue.worked_on(agent, catalogue.draft_of(agent))["instructions"] == ""


class TestDeleting:
    def test_takes_what_trying_has_left_and_keeps_what_it_has_cost(
        self, agent: DjangoAgent, owner: User, pro: Plan, team_agent: DjangoAgent
    ) -> None:
        Plan.objects.filter(pk=pro.pk).update(runs_a_day=5)
        start(agent, owner)
        Run.objects.update(attempt=1)
        trying.delete_agent(agent=agent, by=owner)
        assert not DjangoAgent.objects.filter(pk=agent.pk).exists()
        assert not ChatSession.objects.exists()
        assert quotas.meters(owner)[0].used == 1

    def test_leaves_to_others_what_is_theirs(self, agent: DjangoAgent, owner: User) -> None:
        other = User.objects.create(email="other@example.com")
        MembershipFactory(team=TeamFactory(), user=other, role=Membership.Role.OWNER)
        start(agent, owner)
        with pytest.raises(NotYourAgent):
            trying.delete_agent(agent=agent, by=other)
        assert ChatSession.objects.exists()
