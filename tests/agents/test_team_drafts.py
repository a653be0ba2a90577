"""Teams and steps as they are made in the workshop: who may put whom into one, and what drafts, versions and files say of members."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from agentos.access.models import Plan, Team, User
from agentos.agents import actions, files, members, queries
from agentos.agents.actions import drafts, locking
from agentos.agents.blueprint import InvalidBlueprint, blueprint_of, checked
from agentos.agents.changes import changes
from agentos.agents.errors import NotReady
from agentos.agents.forms import warnings_about
from agentos.agents.models import MEMBERS, DjangoAgent
from agentos.agents.readiness import objections
from tests.factories import AgentFactory, MembershipFactory, TeamFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(support: Team) -> DjangoAgent:
    return AgentFactory(agent_id="ann", name="Ann", model="scripted:echo", team=support)


@pytest.fixture
def ben(support: Team) -> DjangoAgent:
    return AgentFactory(agent_id="ben", name="Ben", model="scripted:echo", is_global=True)


def listed(*ids: str, **tasks: str) -> list[dict[str, str]]:
    return [{"agent": agent_id, "task": tasks.get(agent_id, "")} for agent_id in ids]


def crew(by: User, team: Team | None, *ids: str, kind: str = "team", **parts: Any) -> DjangoAgent:
    agent = actions.start_agent(name="Crew", team=team, blueprint={"model": "scripted:lead"}, by=by)
    actions.save_draft(agent=agent, changes={"kind": kind, "members": listed(*ids), **parts}, stamp=None, by=by)
    return agent


def published(by: User, team: Team | None, *ids: str, **parts: Any) -> DjangoAgent:
    agent = crew(by, team, *ids, **parts)
    actions.publish_agent(agent=agent, by=by)
    agent.refresh_from_db()
    return agent


def save(agent: DjangoAgent, by: User, *ids: str, **tasks: str) -> None:
    actions.save_draft(agent=agent, changes={"members": listed(*ids, **tasks)}, stamp=None, by=by)


def why_not(do: Callable[[], Any]) -> str:
    with pytest.raises((InvalidBlueprint, NotReady)) as refused:
        do()
    assert refused.value.field in {"members", "kind"}
    return refused.value.sentence


class TestPublishing:
    def test_places_members_in_their_order_and_restores_them(self, owner: User, support: Team, ann: DjangoAgent, ben: DjangoAgent) -> None:
        agent = crew(owner, support)
        save(agent, owner, "ben", "ann", ben="Counts.")
        assert not agent.roster.exists()
        actions.publish_agent(agent=agent, by=owner)
        agent.refresh_from_db()
        assert (agent.kind, list(agent.roster.values_list("agent__agent_id", "task"))) == ("team", [("ben", "Counts."), ("ann", "")])
        actions.save_draft(agent=agent, changes={"kind": "steps", "members": listed("ann", "ben", "ann")}, stamp=None, by=owner)
        actions.publish_agent(agent=agent, by=owner)
        assert list(agent.roster.values_list("agent__agent_id", flat=True)) == ["ann", "ben", "ann"]
        actions.restore_version(agent=agent, number=1, by=owner)
        agent.refresh_from_db()
        assert (agent.kind, blueprint_of(agent)["members"]) == ("team", listed("ben", "ann", ben="Counts."))

    def test_as_one_agent_leaves_nobody_in_it(self, owner: User, support: Team, ann: DjangoAgent) -> None:
        agent = published(owner, support, "ann")
        actions.save_draft(agent=agent, changes={"kind": "agent"}, stamp=None, by=owner)
        assert queries.worked_on(agent, queries.draft_of(agent))["members"] == []
        actions.publish_agent(agent=agent, by=owner)
        assert not agent.roster.exists()

    def test_wants_members(self, owner: User, support: Team) -> None:
        for kind, said in (("team", "Choose who is in the team."), ("steps", "Choose the agents that do the steps.")):
            agent = crew(owner, support, kind=kind)
            assert why_not(lambda agent=agent: actions.publish_agent(agent=agent, by=owner)) == said  # type: ignore[misc]

    def test_says_who_cannot_work_any_more(self, owner: User, support: Team, ann: DjangoAgent) -> None:
        agent = crew(owner, support, "ann")
        actions.deactivate_agent(agent=ann, by=None)
        assert why_not(lambda: actions.publish_agent(agent=agent, by=owner)) == "Ann is turned off. Turn it on, or take it out."

    def test_keeps_what_was_changed_in_the_administration(
        self, client: Client, operator: User, support: Team, ann: DjangoAgent, ben: DjangoAgent
    ) -> None:
        agent = published(operator, support, "ann")
        client.force_login(operator)
        row = agent.roster.get()
        data = {"name": "Crew", "kind": "team", "mode": "route", "model": "scripted:lead", "is_active": "on", "team": support.pk}
        rows = {"roster-TOTAL_FORMS": 2, "roster-INITIAL_FORMS": 1, "roster-0-id": row.pk, "roster-0-agent": ann.pk, "roster-0-position": 1}
        rows |= {"roster-0-team": agent.pk, "roster-1-team": agent.pk, "roster-1-agent": ben.pk, "roster-1-position": 2}
        answer = client.post(f"/admin/agents/djangoagent/{agent.pk}/change/", data | rows)
        assert answer.status_code == 302
        last = queries.versions_of(agent)[0]
        assert (last.number, last.blueprint["mode"], last.blueprint["members"]) == (2, "route", listed("ann", "ben"))


class TestWhoCanBeInIt:
    def test_only_whom_one_may_share(self, owner: User, support: Team, ann: DjangoAgent, ben: DjangoAgent, pro: Plan) -> None:
        own = TeamFactory(name="Second")
        MembershipFactory(team=own, user=owner)  # and no more than a member
        for agent_id, how in (("planned", {"plans": [pro]}), ("second", {"team": own}), ("others", {"team": TeamFactory()}), ("none", {})):
            AgentFactory(agent_id=agent_id, name="Secret", **how)
        agent = crew(owner, support, "ann", "ben")
        for agent_id in ("planned", "second", "others", "none", "nowhere"):
            said = f"There is no agent '{agent_id}' here that you may choose. Take it out, or choose another one."
            assert why_not(lambda agent_id=agent_id: save(agent, owner, "ann", agent_id)) == said  # type: ignore[misc]
        assert [each.agent_id for each in members.choices(owner, agent)] == ["ann", "ben"]

    def test_an_operator_may_choose_all_and_an_owner_keeps_them(self, owner: User, operator: User, support: Team, ann: DjangoAgent) -> None:
        AgentFactory(agent_id="none", name="Secret")
        agent = crew(operator, support, "ann", "none")
        assert why_not(lambda: actions.publish_agent(agent=agent, by=owner)).startswith(
            "There is no agent 'none' here that you may choose."
        )
        actions.publish_agent(agent=agent, by=operator)
        actions.save_draft(agent=agent, changes={"description": "New."}, stamp=None, by=owner)
        assert actions.publish_agent(agent=agent, by=owner).number == 2

    def test_never_itself(self, owner: User, support: Team, ann: DjangoAgent) -> None:
        agent = published(owner, support, "ann")
        assert why_not(lambda: save(agent, owner, "ann", "crew")) == "A team cannot be a member of itself."

    def test_not_itself_through_others(self, owner: User, support: Team, ann: DjangoAgent) -> None:
        published(owner, support, "ann")
        actions.save_draft(agent=ann, changes={"kind": "team"}, stamp=None, by=owner)
        assert why_not(lambda: save(ann, owner, "crew")) == "Crew has this agent as a member: the team would contain itself."

    def test_not_itself_by_two_drafts(self, owner: User, support: Team, ann: DjangoAgent, ben: DjangoAgent) -> None:
        agent = crew(owner, support, "ann")
        actions.save_draft(agent=ann, changes={"kind": "team", "model": "scripted:lead", "members": listed("ben")}, stamp=None, by=owner)
        actions.publish_agent(agent=agent, by=owner)
        said = "It is a member of a team itself, and a team cannot be in another one."
        assert why_not(lambda: actions.publish_agent(agent=ann, by=owner)) == said

    def test_no_team_no_code_nobody_unpublished(self, owner: User, operator: User, support: Team, ann: DjangoAgent) -> None:
        published(owner, support, "ann")
        AgentFactory(agent_id="coded", name="Coded", kind="code", is_global=True)
        actions.start_agent(name="New", team=support, by=owner)
        agent = actions.start_agent(name="Other", team=support, blueprint={"kind": "steps"}, by=owner)
        for agent_id, said in (
            ("crew", "Crew is made of agents itself, and a team cannot be in another one."),
            ("coded", "Coded is written in code. Make its team there, too."),
            ("new", "New is not published yet. Publish it first."),
        ):
            assert why_not(lambda agent_id=agent_id: save(agent, operator, agent_id)) == said  # type: ignore[misc]

    def test_nobody_twice_in_a_team(self, owner: User, support: Team, ann: DjangoAgent) -> None:
        agent = crew(owner, support)
        assert why_not(lambda: save(agent, owner, "ann", "ann")) == "Ann is in it twice. Once is enough: say everything in its task."
        agent.kind = DjangoAgent.Kind.TEAM
        with pytest.raises(ValidationError, match="Nobody is in a team twice"):
            actions.set_members(team=agent, members=[(ann, ""), (ann, "")], by=None)


class TestParts:
    @pytest.mark.parametrize(
        "parts",
        [
            {"kind": "code"},
            {"kind": "band"},
            {"kind": None},
            {"kind": "team", "mode": "shout"},
            {"kind": "team", "members": "ann"},
            {"kind": "team", "members": ["ann"]},
            {"kind": "team", "members": [{"agent": " "}]},
            {"kind": "team", "members": [{"agent": "ann", "task": 1}]},
            {"kind": "team", "members": [{"agent": "ann", "role": ""}]},
            {"kind": "team", "members": listed("ann", ann="x" * 301)},
            {"kind": "steps", "members": listed(*["ann"] * (MEMBERS + 1))},
            {"members": listed("ann")},
        ],
    )
    def test_are_what_they_may_be(self, parts: dict[str, Any]) -> None:
        with pytest.raises(InvalidBlueprint):
            checked(parts)

    def test_are_told_as_people_read_them(self) -> None:
        parts = {"kind": "team", "mode": "route", "members": listed("ann", "ben", ben=" Counts\0. ")}
        told = {change.label: [line.text for line in change.lines if line.kind == "new"] for change in changes(checked({}), checked(parts))}
        assert told["Made of"] == ["Team of agents"]
        assert told["How the team works"][0].startswith("Route:")
        assert told["Members"] == ["ann", "ben: Counts�."]

    def test_warn_of_a_model_that_cannot_lead(self) -> None:
        for kind, said in (
            ("team", ["The model local:smollm2 cannot use tools, and so cannot lead a team."]),
            ("agent", ["The model local:smollm2 cannot use tools: the agent answers without them."]),
            ("steps", []),
        ):
            warnings = warnings_about(checked({"kind": kind, "model": "local:smollm2", "tools": ["clock"]}))
            assert [warning for warning in warnings if "cannot use tools" in warning] == said


class TestFiles:
    def test_bring_a_team_and_say_who_is_missing(self, owner: User, support: Team, ann: DjangoAgent, ben: DjangoAgent) -> None:
        text = files.written(agent := published(owner, support, "ann", "ben"), blueprint_of(agent))
        assert json.loads(text)["agent"]["members"] == listed("ann", "ben")
        made, given = actions.import_agent(data=text.encode(), team=support, by=owner)
        assert (given.missing, queries.worked_on(made, queries.draft_of(made))) == ([], blueprint_of(agent))
        data = text.replace('"ben"', '"zoe"').encode()
        _, given = actions.import_agent(data=data, team=support, by=owner)
        assert given.missing == ["There is no agent 'zoe' here that you may choose. Take it out, or choose another one."]

    def test_of_the_first_schema_are_read(self, operator: User) -> None:
        data = json.dumps({"kind": files.KIND, "schema": 1, "agent": {"name": "Old", "model": "scripted:echo"}}).encode()
        assert files.read(data, by=operator).blueprint["kind"] == "agent"


def test_asks_as_much_for_a_list_of_many(owner: User, support: Team, django_assert_max_num_queries: Any) -> None:
    for number in range(MEMBERS):
        AgentFactory(agent_id=f"a{number}", team=support)
    agent = crew(owner, support, *[f"a{number}" for number in range(MEMBERS)])
    wanted = queries.worked_on(agent, queries.draft_of(agent))
    with django_assert_max_num_queries(3):
        assert objections(wanted, agent=agent, by=owner) == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_two_teams_of_each_other_are_published_at_once(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them is, and the other is told: neither waits forever for what the other one holds."""
    pair = [AgentFactory(agent_id=each, name=each, model="scripted:lead") for each in ("a", "b")]
    for agent, other in (pair, pair[::-1]):
        actions.save_draft(agent=agent, changes={"kind": "team", "members": [{"agent": other.agent_id}]}, stamp=None, by=operator)
    holding, lock = Barrier(2), locking.lock_to_edit

    def locked(agent: DjangoAgent, by: User | None) -> DjangoAgent:
        found = lock(agent, by)
        with suppress(BrokenBarrierError):  # where the other one has to wait until this one is done
            holding.wait(1)
        return found

    def publish(agent: DjangoAgent) -> str:
        try:
            actions.publish_agent(agent=agent, by=operator)
        except NotReady as refused:
            return refused.sentence
        finally:
            connection.close()
        return ""

    monkeypatch.setattr(drafts, "lock_to_edit", locked)
    with ThreadPoolExecutor(2) as threads:
        done, told = sorted(threads.map(publish, pair))
    assert done == ""
    assert "has this agent as a member" in told or "is a member of a team itself" in told
