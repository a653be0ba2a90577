"""Making agents: drafts, versions, who may do what, and what a blueprint may be."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from agentos.access.models import Membership, Plan, Team, User
from agentos.agents import actions, queries
from agentos.agents import blueprint as blueprints
from agentos.agents.blueprint import InvalidBlueprint
from agentos.agents.changes import changes
from agentos.agents.errors import (
    AgentError,
    DraftMoved,
    HasChats,
    InvalidAgent,
    NeverPublished,
    NothingNew,
    NotReady,
    NotYourAgent,
)
from agentos.agents.models import AgentDraft, AgentVersion, DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.core.changes import LINES
from tests.factories import AgentFactory, MembershipFactory, TeamFactory, UserFactory

READY = {"model": "scripted:5x0", "instructions": "Be brief."}


@pytest.fixture
def admin(support: Team) -> User:
    user = UserFactory()
    MembershipFactory(team=support, user=user, role=Membership.Role.ADMIN)
    return user


def started(by: User, team: Team | None = None, **parts: Any) -> DjangoAgent:
    return actions.start_agent(name="Letter Helper", team=team, blueprint=parts, by=by)


def published(by: User, team: Team | None = None, **parts: Any) -> DjangoAgent:
    agent = started(by, team, **READY, **parts)
    actions.publish_agent(agent=agent, by=by)
    agent.refresh_from_db()
    return agent


def stamp(agent: DjangoAgent) -> str:
    agent.refresh_from_db()
    return queries.stamp_of(queries.draft_of(agent))


def verbs(agent: DjangoAgent) -> list[str]:
    return list(AuditRecord.objects.filter(object_id=agent.agent_id).order_by("pk").values_list("verb", flat=True))


class TestStarting:
    def test_makes_a_draft_that_nobody_can_use(self, owner: User, support: Team, operator: User) -> None:
        agent = started(owner, support, **READY)
        assert (agent.agent_id, agent.name, agent.version, agent.is_active) == ("letter-helper", "Letter Helper", 0, False)
        assert queries.worked_on(agent, queries.draft_of(agent)) == {**blueprints.empty(), **READY, "name": "Letter Helper"}
        assert not queries.may_use(owner.pk, agent.pk)
        assert not queries.may_use(operator.pk, agent.pk)
        assert verbs(agent) == ["agents.agent.created"]
        with pytest.raises(NeverPublished):
            actions.activate_agent(agent=agent, by=owner)

    def test_is_held_by_the_database(self, owner: User, support: Team) -> None:
        agent = started(owner, support)
        with pytest.raises(IntegrityError), transaction.atomic():
            DjangoAgent.objects.filter(pk=agent.pk).update(is_active=True)

    def test_finds_an_id_of_its_own(self, owner: User, support: Team) -> None:
        ids = [started(owner, support).agent_id for _ in range(3)]
        assert ids == ["letter-helper", "letter-helper-2", "letter-helper-3"]

    @pytest.mark.parametrize(
        ("name", "made"), [("Größe & Maß", "groe-mass"), ("日本", "agent"), ("_-x", "x"), ("A" * 80, "a" * 60), ("9 lives", "9-lives")]
    )
    def test_makes_the_id_of_the_name(self, name: str, made: str, operator: User) -> None:
        found = actions.start_agent(name=name, by=operator).agent_id
        assert found == made or name.startswith("Gr")
        AgentFactory.build(agent_id=found, name=name).clean_fields()

    @pytest.mark.parametrize("agent_id", ["Big", "a b", "x" * 65, "-x", "assistant"])
    def test_takes_no_id_that_cannot_be(self, agent_id: str, operator: User, everyone_agent: DjangoAgent) -> None:
        with pytest.raises(InvalidAgent) as refused:
            actions.start_agent(name="Helper", agent_id=agent_id, by=operator)
        assert refused.value.field == "agent_id"
        assert DjangoAgent.objects.count() == 1

    @pytest.mark.parametrize("name", ["", "   ", "x" * 81])
    def test_wants_a_name(self, name: str, operator: User) -> None:
        with pytest.raises((InvalidAgent, InvalidBlueprint)) as refused:
            actions.start_agent(name=name, by=operator)
        assert refused.value.field == "name"
        assert not DjangoAgent.objects.exists()


class TestRights:
    def test_are_those_of_owners_and_admins_for_their_team(
        self, owner: User, admin: User, member: User, stranger: User, operator: User, support: Team
    ) -> None:
        for maker in (owner, admin, operator):
            assert queries.makes_agents(maker)
            assert started(maker, support).team == support
        for other in (member, stranger):
            assert not queries.makes_agents(other)
            with pytest.raises(NotYourAgent):
                started(other, support)

    def test_of_a_team_end_at_its_door(self, owner: User, member: User, operator: User, other_team_agent: DjangoAgent, pro: Plan) -> None:
        alike: list[DjangoAgent] = [AgentFactory(is_global=True), AgentFactory(plans=[pro]), AgentFactory(), other_team_agent]
        for agent in alike:
            assert not queries.may_edit(owner, agent)
            assert queries.may_edit(operator, agent)
        for do in (
            lambda agent: actions.save_draft(agent=agent, changes={"name": "Mine"}, stamp=None, by=owner),
            lambda agent: actions.publish_agent(agent=agent, by=owner),
            lambda agent: actions.restore_version(agent=agent, number=1, by=owner),
            lambda agent: actions.discard_draft(agent=agent, stamp=None, by=owner),
            lambda agent: actions.share_agent(agent=agent, team=None, is_global=False, plans=(), by=owner),
            lambda agent: actions.activate_agent(agent=agent, by=owner),
            lambda agent: actions.deactivate_agent(agent=agent, by=owner),
            lambda agent: actions.delete_agent(agent=agent, by=owner),
        ):
            for agent in alike:
                with pytest.raises(NotYourAgent):
                    do(agent)

    def test_of_a_team_cover_what_is_its_alone(self, owner: User, support: Team, pro: Plan) -> None:
        """What is open to others as well is not the team's to change."""
        assert queries.may_edit(owner, AgentFactory(team=support))
        assert not queries.may_edit(owner, AgentFactory(team=support, is_global=True))
        assert not queries.may_edit(owner, AgentFactory(team=support, plans=[pro]))

    def test_end_with_the_role(self, owner: User, support: Team, team_agent: DjangoAgent) -> None:
        owner.memberships.update(role=Membership.Role.MEMBER)
        with pytest.raises(NotYourAgent):
            actions.save_draft(agent=team_agent, changes={"name": "Mine"}, stamp=None, by=owner)

    def test_end_with_the_account(self, owner: User, team_agent: DjangoAgent) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)
        owner.refresh_from_db()
        assert not queries.may_edit(owner, team_agent)


class TestSharing:
    def test_of_a_team_is_with_a_team_of_theirs(self, owner: User, support: Team, team_agent: DjangoAgent, pro: Plan) -> None:
        second = TeamFactory()
        MembershipFactory(team=second, user=owner, role=Membership.Role.ADMIN)
        assert actions.share_agent(agent=team_agent, team=second, is_global=False, plans=(), by=owner).team == second
        for more in (
            {"team": second, "is_global": True, "plans": ()},
            {"team": second, "is_global": False, "plans": [pro]},
            {"team": None, "is_global": False, "plans": ()},
            {"team": TeamFactory(), "is_global": False, "plans": ()},
        ):
            with pytest.raises(NotYourAgent):
                actions.share_agent(agent=team_agent, by=owner, **more)
        team_agent.refresh_from_db()
        assert (team_agent.team, team_agent.is_global, list(team_agent.plans.all())) == (second, False, [])

    def test_with_a_team_where_one_is_only_a_member_is_refused(self, owner: User, team_agent: DjangoAgent) -> None:
        second = TeamFactory()
        MembershipFactory(team=second, user=owner)
        with pytest.raises(NotYourAgent):
            actions.share_agent(agent=team_agent, team=second, is_global=False, plans=(), by=owner)

    def test_opens_it_at_once(self, operator: User, stranger: User, team_agent: DjangoAgent, pro: Plan) -> None:
        actions.share_agent(agent=team_agent, team=None, is_global=True, plans=[pro], by=operator)
        assert queries.may_use(stranger.pk, team_agent.pk)
        assert verbs(team_agent) == ["agents.agent.shared"]


class TestDraft:
    def test_changes_nothing_that_is_used(self, owner: User, team_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "Writer 2", "tools": ["clock"]}, stamp=stamp(team_agent), by=owner)
        team_agent.refresh_from_db()
        assert (team_agent.name, team_agent.tools, team_agent.version) == ("Support Writer", [], 1)
        draft = queries.draft_of(team_agent)
        assert (draft.by, queries.worked_on(team_agent, draft)["name"]) == (owner, "Writer 2")
        assert AuditRecord.objects.get(verb="agents.draft.saved").data == {"parts": ["name", "tools"]}

    def test_of_two_people_is_not_written_over(self, owner: User, admin: User, team_agent: DjangoAgent) -> None:
        seen = stamp(team_agent)
        actions.save_draft(agent=team_agent, changes={"name": "Mine"}, stamp=seen, by=owner)
        with pytest.raises(DraftMoved) as moved:
            actions.save_draft(agent=team_agent, changes={"name": "Other"}, stamp=seen, by=admin)
        assert (moved.value.draft.by, queries.worked_on(team_agent, moved.value.draft)["name"]) == (owner, "Mine")
        with pytest.raises(DraftMoved):
            actions.publish_agent(agent=team_agent, stamp=seen, by=admin)
        actions.save_draft(agent=team_agent, changes={"name": "Other"}, stamp=stamp(team_agent), by=admin)

    def test_that_was_published_meanwhile_has_another_stamp(self, owner: User, team_agent: DjangoAgent) -> None:
        seen = [stamp(team_agent)]
        actions.save_draft(agent=team_agent, changes={"name": "A"}, stamp=None, by=owner)
        seen.append(stamp(team_agent))
        actions.discard_draft(agent=team_agent, stamp=None, by=owner)
        seen.append(stamp(team_agent))
        actions.save_draft(agent=team_agent, changes={"name": "A", "model": "scripted:echo"}, stamp=None, by=owner)
        seen.append(stamp(team_agent))
        actions.publish_agent(agent=team_agent, by=owner)
        seen.append(stamp(team_agent))
        assert len(set(seen)) == 5

    def test_that_is_what_is_published_is_none(self, owner: User, team_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "A"}, stamp=None, by=owner)
        actions.save_draft(agent=team_agent, changes={"name": "Support Writer"}, stamp=None, by=owner)
        assert queries.draft_of(team_agent).blueprint is None
        with pytest.raises(NothingNew):
            actions.publish_agent(agent=team_agent, by=owner)

    def test_can_be_thrown_away(self, owner: User, team_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "A"}, stamp=None, by=owner)
        actions.discard_draft(agent=team_agent, stamp=stamp(team_agent), by=owner)
        assert queries.worked_on(team_agent, queries.draft_of(team_agent))["name"] == "Support Writer"
        assert verbs(team_agent)[-1] == "agents.draft.discarded"

    def test_of_what_was_never_published_stays(self, owner: User, support: Team) -> None:
        agent = started(owner, support)
        actions.discard_draft(agent=agent, stamp=None, by=owner)
        assert queries.draft_of(agent).blueprint is not None

    def test_has_settings_of_tools_from_operators_only(self, owner: User, operator: User, support: Team, team_agent: DjangoAgent) -> None:
        chosen = {"tools": ["clock", "text"], "tool_options": {"clock": {"zone": "UTC"}}}
        with pytest.raises(NotYourAgent):
            started(owner, support, **chosen)
        with pytest.raises(NotYourAgent):
            actions.save_draft(agent=team_agent, changes=chosen, stamp=None, by=owner)
        actions.save_draft(agent=team_agent, changes=chosen, stamp=None, by=operator)
        actions.save_draft(agent=team_agent, changes={"tools": ["clock"]}, stamp=None, by=owner)
        actions.save_draft(agent=team_agent, changes={"tools": ["text"]}, stamp=None, by=owner)
        assert queries.worked_on(team_agent, queries.draft_of(team_agent))["tool_options"] == {}

    def test_gives_an_agent_its_name_until_it_is_published(self, owner: User, support: Team) -> None:
        agent = started(owner, support)
        actions.save_draft(agent=agent, changes={"name": "Better"}, stamp=None, by=owner)
        agent.refresh_from_db()
        assert (agent.name, agent.agent_id) == ("Better", "letter-helper")


class TestPublishing:
    def test_makes_a_version_and_opens_it(self, owner: User, member: User, support: Team) -> None:
        agent = started(owner, support, **READY)
        made = actions.publish_agent(agent=agent, note="  The first\none ", stamp=stamp(agent), by=owner)
        agent.refresh_from_db()
        assert (agent.version, agent.is_active, agent.instructions, agent.model) == (1, True, "Be brief.", "scripted:5x0")
        assert (made.number, made.note, made.by, made.blueprint) == (1, "The first one", owner, blueprints.blueprint_of(agent))
        assert queries.may_use(member.pk, agent.pk)
        assert verbs(agent) == ["agents.agent.created", "agents.version.published"]

    def test_counts_on(self, owner: User, support: Team) -> None:
        agent = published(owner, support)
        for number in (2, 3):
            actions.save_draft(agent=agent, changes={"description": f"The {number}."}, stamp=None, by=owner)
            assert actions.publish_agent(agent=agent, by=owner).number == number
        assert [each.number for each in queries.versions_of(agent)] == [3, 2, 1]

    def test_keeps_what_an_older_row_was(self, owner: User, team_agent: DjangoAgent) -> None:
        """Of an agent that was changed past all of this, so that its answers have a version that says what it was."""
        actions.save_draft(agent=team_agent, changes={"name": "New"}, stamp=None, by=owner)
        actions.publish_agent(agent=team_agent, by=owner)
        assert [(each.number, each.blueprint["name"]) for each in queries.versions_of(team_agent)] == [(2, "New"), (1, "Support Writer")]

    @pytest.mark.parametrize(
        ("parts", "missing"),
        [
            ({}, {"model"}),
            ({"model": "nobody:x"}, {"model"}),
            ({"model": "openai:"}, {"model"}),
            ({**READY, "fallbacks": ["scripted:echo", "nobody:x"]}, {"fallbacks"}),
            ({**READY, "tools": ["nothing"]}, {"tools"}),
            ({"tools": ["nothing"]}, {"model", "tools"}),
            ({**READY, "tools": ["ask"], "tool_policies": {"ask": "auto"}}, {"tool_policies"}),
            ({**READY, "tools": ["clock"], "tool_options": {"clock": {"zone": "UTC"}}}, {"tool_options"}),
        ],
    )
    def test_says_what_is_missing(self, parts: dict[str, Any], missing: set[str], operator: User, support: Team) -> None:
        agent = started(operator, support, **parts)
        with pytest.raises(NotReady) as refused:
            actions.publish_agent(agent=agent, by=operator)
        assert set(refused.value.missing) == missing
        agent.refresh_from_db()
        assert (agent.version, agent.is_active, AgentVersion.objects.count()) == (0, False, 0)

    def test_takes_a_short_note(self, owner: User, support: Team) -> None:
        agent = started(owner, support, **READY)
        with pytest.raises(InvalidAgent):
            actions.publish_agent(agent=agent, note="x" * 301, by=owner)

    def test_turns_on_what_was_off(self, owner: User, support: Team) -> None:
        agent = published(owner, support)
        actions.deactivate_agent(agent=agent, by=owner)
        actions.save_draft(agent=agent, changes={"description": "New."}, stamp=None, by=owner)
        actions.publish_agent(agent=agent, by=owner)
        agent.refresh_from_db()
        assert agent.is_active


class TestRestoring:
    def test_makes_a_new_version_of_an_old_one(self, owner: User, support: Team) -> None:
        agent = published(owner, support)
        actions.save_draft(agent=agent, changes={"instructions": "Be long."}, stamp=None, by=owner)
        actions.publish_agent(agent=agent, by=owner)
        actions.save_draft(agent=agent, changes={"name": "In work"}, stamp=None, by=owner)
        restored = actions.restore_version(agent=agent, number=1, by=owner)
        agent.refresh_from_db()
        assert (restored.number, agent.version, agent.instructions, restored.note) == (3, 3, "Be brief.", "As version 1 was.")
        assert queries.worked_on(agent, queries.draft_of(agent))["name"] == "In work"
        assert verbs(agent)[-1] == "agents.version.restored"

    def test_of_what_is_used_changes_nothing(self, owner: User, support: Team) -> None:
        agent = published(owner, support)
        with pytest.raises(NothingNew):
            actions.restore_version(agent=agent, number=1, by=owner)
        with pytest.raises(AgentVersion.DoesNotExist):
            actions.restore_version(agent=agent, number=9, by=owner)

    def test_leaves_it_off(self, owner: User, support: Team) -> None:
        agent = published(owner, support)
        actions.save_draft(agent=agent, changes={"instructions": "Be long."}, stamp=None, by=owner)
        actions.publish_agent(agent=agent, by=owner)
        actions.deactivate_agent(agent=agent, by=owner)
        actions.restore_version(agent=agent, number=1, by=owner)
        agent.refresh_from_db()
        assert not agent.is_active


class TestDeleting:
    def test_takes_only_what_was_never_published(self, owner: User, support: Team) -> None:
        agent = started(owner, support)
        actions.delete_agent(agent=agent, by=owner)
        assert not DjangoAgent.objects.exists()
        assert not AgentDraft.objects.exists()
        assert verbs(agent)[-1] == "agents.agent.deleted"
        with pytest.raises(HasChats):
            actions.delete_agent(agent=published(owner, support), by=owner)


class TestAdministration:
    def form(self, **more: str) -> dict[str, str]:
        roster = {"roster-TOTAL_FORMS": "0", "roster-INITIAL_FORMS": "0"}
        return {"agent_id": "writer", "name": "Writer", "model": "scripted:5x0", "is_active": "on", **roster, **more}

    def test_makes_versions_too(self, as_operator: Client, operator: User) -> None:
        as_operator.post("/admin/agents/djangoagent/add/", self.form())
        agent = DjangoAgent.objects.get()
        as_operator.post(f"/admin/agents/djangoagent/{agent.pk}/change/", self.form())
        as_operator.post(f"/admin/agents/djangoagent/{agent.pk}/change/", self.form(name="Better"))
        agent.refresh_from_db()
        found = [(each.number, each.blueprint["name"], each.by) for each in queries.versions_of(agent)]
        assert (agent.version, found) == (2, [(2, "Better", operator), (1, "Writer", operator)])

    def test_publishes_what_it_turns_on(self, as_operator: Client, operator: User) -> None:
        agent = actions.start_agent(name="Writer", agent_id="writer", by=operator)
        answer = as_operator.post(f"/admin/agents/djangoagent/{agent.pk}/change/", self.form())
        assert answer.status_code == 302
        agent.refresh_from_db()
        assert (agent.version, agent.is_active, queries.versions_of(agent).count()) == (1, True, 1)


class TestBlueprint:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("name", "x" * 81),
            ("name", None),
            ("description", "x" * 301),
            ("instructions", "x" * 20_001),
            ("instructions", ["x"]),
            ("model", "x" * 121),
            ("tools", "clock"),
            ("tools", [1]),
            ("tools", ["x" * 201]),
            ("tool_policies", {"clock": "off"}),
            ("tool_policies", ["clock"]),
            ("tool_options", {"clock": 1}),
            ("tool_options", {"clock": {"x": "y" * 20_001}}),
            ("capabilities", ["x" * 61]),
            ("capabilities", [str(number) for number in range(21)]),
            ("starters", ["x" * 201]),
            ("starters", list("abcde")),
            ("starters", {}),
            ("is_global", True),
            ("team", 1),
        ],
    )
    def test_refuses_what_a_part_cannot_be(self, name: str, value: Any, db: None) -> None:
        with pytest.raises(InvalidBlueprint) as refused:
            blueprints.checked({name: value})
        assert set(refused.value.errors) == {name}
        assert isinstance(refused.value, Exception)
        assert refused.value.sentence

    def test_reads_texts_as_they_are_kept(self, db: None) -> None:
        found = blueprints.checked({"name": " A \n B ", "instructions": "\r\nx\0\r\n  y\n", "starters": [" a ", "", "a"]})
        assert (found["name"], found["instructions"], found["starters"]) == ("A B", "x\ufffd\n  y", ["a"])

    def test_has_settings_for_its_own_tools_only(self, db: None) -> None:
        chosen = {"clock": "ask", "text": "ask"}
        assert blueprints.checked({"tools": ["clock"], "tool_policies": chosen})["tool_policies"] == {"clock": "ask"}

    def test_has_the_parts_of_today(self, db: None) -> None:
        assert set(blueprints.whole({"name": "A", "gone": 1})) == set(blueprints.NAMES)

    def test_is_what_the_agent_has(self, team_agent: DjangoAgent) -> None:
        found = blueprints.blueprint_of(team_agent)
        found["tools"].append("clock")
        assert team_agent.tools == []
        blueprints.apply(team_agent, found)
        assert team_agent.tools == ["clock"]


class TestChanges:
    def lines(self, before: str, after: str) -> list[tuple[str, str]]:
        made = changes({**blueprints.empty(), "instructions": before}, {**blueprints.empty(), "instructions": after})
        return [(line.kind, line.text) for change in made for line in change.lines]

    def test_are_told_by_part(self, db: None) -> None:
        before = {**blueprints.empty(), "name": "A", "tools": ["clock", "text"]}
        after = {**before, "name": "B", "tools": ["clock", "calculator"], "starters": ["Hi"]}
        assert [(change.name, [(line.kind, line.text) for line in change.lines]) for change in changes(before, after)] == [
            ("name", [("gone", "A"), ("new", "B")]),
            ("tools", [("same", "Clock"), ("gone", "Text statistics"), ("new", "Calculator")]),
            ("starters", [("new", "Hi")]),
        ]
        assert changes(before, before) == []

    def test_call_things_by_their_names(self, team_agent: DjangoAgent) -> None:
        crew = {"kind": "team", "members": [{"agent": team_agent.agent_id, "task": "Writes."}], "model": "openai:gpt-5.4"}
        made = changes(None, {**blueprints.empty(), **crew, "tools": ["clock"], "tool_policies": {"clock": "ask"}})
        assert {change.name: [(line.kind, line.text) for line in change.lines] for change in made} == {
            "kind": [("new", "Team of agents")],
            "members": [("new", "Support Writer: Writes.")],
            "model": [("new", "gpt-5.4 (OpenAI)")],
            "tools": [("new", "Clock")],
            "tool_policies": [("new", "Clock: ask first")],
        }

    def test_leave_out_what_is_far_from_them(self, db: None) -> None:
        text = "\n".join(map(str, range(20)))
        found = self.lines(text, text.replace("10", "ten"))
        assert found == [
            ("skipped", "8"), ("same", "8"), ("same", "9"), ("gone", "10"), ("new", "ten"),
            ("same", "11"), ("same", "12"), ("skipped", "7"),
        ]  # fmt: skip

    def test_of_a_long_text_are_not_looked_for_line_by_line(self, db: None) -> None:
        long = "\n".join(f"a{number}" for number in range(LINES + 1))
        found = self.lines(long, long.replace("a", "b"))
        assert [kind for kind, _ in found] == ["gone"] * (LINES + 1) + ["new"] * (LINES + 1)

    def test_of_an_empty_text(self, db: None) -> None:
        assert self.lines("", "Hi") == [("new", "Hi")]
        assert self.lines("Hi", "") == [("gone", "Hi")]


def test_every_error_has_a_sentence(team_agent: DjangoAgent) -> None:
    draft = queries.draft_of(team_agent)
    for error in (NothingNew(), NeverPublished(), HasChats(), DraftMoved(draft), NotReady({"model": "Choose one."})):
        assert isinstance(error, AgentError)
        assert error.sentence.endswith(".")
