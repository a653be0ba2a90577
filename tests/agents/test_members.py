"""Who can be a member of what, as rows: in the actions, in the administration, and in what decides whether a team can answer."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from agentos.access.users import User
from agentos.agents import actions, cache
from agentos.agents.availability import availability_of
from agentos.agents.models import MEMBERS, DjangoAgent, TeamMember
from agentos.agents.specs import spec_of
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> DjangoAgent:
    return AgentFactory(agent_id="ann", name="Ann", model="scripted:echo", description="Knows things.")


@pytest.fixture
def crew(ann: DjangoAgent) -> DjangoAgent:
    crew = AgentFactory(agent_id="crew", name="Crew", model="scripted:lead", kind="team", is_global=True)
    ben = AgentFactory(agent_id="ben", name="Ben", model="scripted:tool")
    actions.set_members(team=crew, members=[(ben, "Counts."), (ann, "")], by=None)
    return crew


def test_members_are_told_in_their_order_with_their_tasks(crew: DjangoAgent) -> None:
    spec = spec_of(crew)
    assert (spec.kind, spec.mode) == ("team", "coordinate")
    assert [(each.agent_id, each.task) for each in spec.members] == [("ben", "Counts."), ("ann", "Knows things.")]


class TestWhoCanBe:
    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("team", "is made of agents itself, and a team cannot be in another one."),
            ("steps", "is made of agents itself, and a team cannot be in another one."),
            ("code", "is written in code. Make its team there, too."),
        ],
    )
    def test_only_agents_that_are_made_here(self, crew: DjangoAgent, kind: str, said: str) -> None:
        with pytest.raises(ValidationError, match=said):
            actions.set_members(team=crew, members=[(AgentFactory(kind=kind), "")], by=None)
        assert crew.roster.count() == 2

    def test_never_itself(self, crew: DjangoAgent) -> None:
        with pytest.raises(ValidationError, match="A team cannot be a member of itself"):
            actions.set_members(team=crew, members=[(crew, "")], by=None)

    def test_not_too_many(self, crew: DjangoAgent, ann: DjangoAgent) -> None:
        with pytest.raises(ValidationError, match=f"A team has at most {MEMBERS} members."):
            actions.set_members(team=crew, members=[(ann, "")] * (MEMBERS + 1), by=None)

    def test_a_member_cannot_become_a_team_nor_a_team_with_members_an_agent(self, crew: DjangoAgent, ann: DjangoAgent) -> None:
        ann.kind = "team"
        with pytest.raises(ValidationError, match="It is a member of Crew"):
            ann.full_clean()
        crew.kind = "agent"
        with pytest.raises(ValidationError, match="It has members"):
            crew.full_clean()


class TestAvailability:
    def test_needs_every_member(self, crew: DjangoAgent, ann: DjangoAgent, operator: User, member: User) -> None:
        assert availability_of(crew).ok
        actions.deactivate_agent(agent=ann, by=None)
        assert availability_of(crew).reason == "Its member Ann is turned off."
        assert [card.unavailable for card in cache.cards_for(operator)] == [
            "This agent is not available now. Its member Ann is turned off."
        ]
        assert [card.unavailable for card in cache.cards_for(member)] == [cache.NOT_AVAILABLE]

    def test_needs_the_models_of_members(self, crew: DjangoAgent, ann: DjangoAgent) -> None:
        DjangoAgent.objects.filter(pk=ann.pk).update(model="openai:gpt-5.4")
        assert availability_of(crew).reason == "Its member Ann cannot answer. OPENAI_API_KEY is not set."

    def test_needs_a_leader_that_can_call_tools(self, crew: DjangoAgent) -> None:
        crew.model = "local:smollm2"
        assert availability_of(crew).reason == "The model local:smollm2 cannot use tools, and so cannot lead a team."

    def test_needs_members(self) -> None:
        assert availability_of(AgentFactory(kind="team", model="scripted:lead")).reason == "It has no members: add some."

    def test_is_told_with_the_members_and_in_as_many_queries_for_many(
        self, crew: DjangoAgent, ann: DjangoAgent, member: User, django_assert_num_queries: Any
    ) -> None:
        (card,) = cache.cards_for(member)
        assert (card.as_json()["kind"], card.as_json()["members"]) == ("team", [{"id": "ben", "name": "Ben"}, {"id": "ann", "name": "Ann"}])
        before = len(_queries(member))
        for number in range(5):
            other = AgentFactory(kind="team", model="scripted:lead", is_global=True, agent_id=f"crew-{number}")
            actions.set_members(team=other, members=[(ann, "")], by=None)
        assert len(_queries(member)) == before
        assert all(card.is_available for card in cache.cards_for(member))


def _queries(user: User) -> list[Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        cache.cards_from_database(user)
    return list(captured)


class TestAdmin:
    def post(self, client: Client, team: DjangoAgent | None, *members: DjangoAgent, **more: Any) -> Any:
        data = {
            "name": "Crew",
            "agent_id": "crew",
            "kind": "team",
            "mode": "broadcast",
            "model": "scripted:lead",
            "is_active": "on",
            "roster-TOTAL_FORMS": len(members),
            "roster-INITIAL_FORMS": 0,
        }
        for place, agent in enumerate(members):
            data |= {f"roster-{place}-agent": agent.pk, f"roster-{place}-position": place + 1, f"roster-{place}-task": "Helps."}
        where = f"{team.pk}/change/" if team else "add/"
        return client.post(f"/admin/agents/djangoagent/{where}", data | more)

    def test_makes_a_team(self, client: Client, operator: User, ann: DjangoAgent) -> None:
        client.force_login(operator)
        answer = self.post(client, None, ann)
        assert answer.status_code == 302, answer.content.decode()[:2000]
        crew = DjangoAgent.objects.get(agent_id="crew")
        assert (crew.kind, crew.mode) == ("team", "broadcast")
        assert list(crew.roster.values_list("agent__agent_id", "task")) == [("ann", "Helps.")]

    def test_says_why_a_team_cannot_have_itself(self, client: Client, operator: User, crew: DjangoAgent) -> None:
        client.force_login(operator)
        answer = self.post(client, crew, crew)
        assert "A team cannot be a member of itself." in answer.content.decode()
        assert TeamMember.objects.filter(team=crew).count() == 2
