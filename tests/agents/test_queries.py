"""Who may use which agent, why, and what would open the others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.adapters import access
from agentos.access.models import Plan, Subscription, Team, User
from agentos.agents import queries
from agentos.agents.cache import AgentCard
from agentos.agents.models import DjangoAgent
from agentos.core import clock
from tests.factories import AgentFactory, MembershipFactory, PlanFactory, SubscriptionFactory, TeamFactory


def ids(user: User) -> set[str]:
    return set(queries.agents_for(user).values_list("agent_id", flat=True))


@pytest.fixture
def catalogue(everyone_agent: Any, team_agent: Any, plan_agent: Any, other_team_agent: Any, inactive_agent: Any) -> None:
    """One agent of each kind of access."""


@pytest.mark.usefixtures("catalogue")
class TestAgentsFor:
    def test_gives_each_of_the_cast_their_own(self, owner: User, member: User, stranger: User, operator: User, suspended: User) -> None:
        assert ids(owner) == {"assistant", "support-writer", "analyst"}
        assert ids(member) == {"assistant", "support-writer"}
        assert ids(stranger) == {"assistant"}
        assert ids(operator) == {"assistant"}
        assert ids(suspended) == set()

    def test_asks_the_database_whether_the_user_is_suspended(self, member: User) -> None:
        User.objects.filter(pk=member.pk).update(is_active=False)
        assert ids(member) == set()

    @pytest.mark.parametrize(
        ("status", "ends_in", "opens"),
        [
            (Subscription.Status.ACTIVE, None, True),
            (Subscription.Status.ACTIVE, timedelta(minutes=1), True),
            (Subscription.Status.ACTIVE, timedelta(minutes=-1), False),
            (Subscription.Status.PAST_DUE, None, False),
            (Subscription.Status.CANCELED, timedelta(minutes=1), False),
        ],
    )
    def test_counts_running_subscriptions_only(
        self, status: str, ends_in: timedelta | None, opens: bool, stranger: User, pro: Plan
    ) -> None:
        end = clock.now() + ends_in if ends_in else None
        SubscriptionFactory(customer__user=stranger, plan=pro, status=status, current_period_end=end)
        assert ("analyst" in ids(stranger)) is opens

    def test_lists_an_agent_once_that_is_open_in_many_ways(self, owner: User, support: Team, pro: Plan) -> None:
        free = PlanFactory()
        SubscriptionFactory(customer__user=owner, plan=free)
        AgentFactory(agent_id="open", is_global=True, team=support, plans=[pro, free])
        assert [agent.agent_id for agent in queries.agents_for(owner)].count("open") == 1

    def test_are_one_query(self, owner: User, django_assert_num_queries: Callable[..., Any]) -> None:
        """What opens them is asked by those who say so: a chat's page does not."""
        with django_assert_num_queries(1):
            assert list(queries.agents_for(owner))

    def test_costs_the_same_for_many(self, owner: User, support: Team) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as captured:
                list(queries.agents_for(owner))
                queries.locked_agents_for(owner)
            return len(captured)

        few = count()
        for _ in range(10):
            AgentFactory(team=support)
            AgentFactory(plans=[PlanFactory(), PlanFactory()])
            AgentFactory(team=TeamFactory())
        assert count() == few


@pytest.mark.usefixtures("catalogue")
class TestReason:
    def test_names_what_opens_it(self, owner: User) -> None:
        whys = {agent.agent_id: access().why(owner)(agent) for agent in queries.agents_for(owner)}
        assert whys == {"assistant": "Everyone", "support-writer": "Team Support", "analyst": "Plan Pro"}

    def test_names_a_plan_that_the_user_holds(self, owner: User, pro: Plan) -> None:
        agent = AgentFactory(plans=[PlanFactory(name="A plan of others"), pro])
        assert access().why(owner)(agent) == "Plan Pro"

    def test_is_empty_for_who_may_not(self, stranger: User, team_agent: DjangoAgent) -> None:
        assert access().why(stranger)(team_agent) == ""


@pytest.mark.usefixtures("catalogue")
class TestLockedAgentsFor:
    def test_says_what_opens_them(self, stranger: User, support: Team, pro: Plan) -> None:
        AgentFactory(agent_id="both", name="A", team=support, plans=[pro, PlanFactory(name="Gold")])
        assert [(locked.agent_id, locked.opened_by) for locked in queries.locked_agents_for(stranger)] == [
            ("both", "Included in plan Gold or Pro, or ask to join team Support"),
            ("analyst", "Included in plan Pro"),
            ("researcher", "Ask to join team Research"),
            ("support-writer", "Ask to join team Support"),
        ]

    def test_leaves_out_what_is_usable_or_switched_off_or_open_to_nobody(self, owner: User, support: Team) -> None:
        AgentFactory(agent_id="draft")
        AgentFactory(agent_id="off", team=TeamFactory(), is_active=False)
        assert [locked.agent_id for locked in queries.locked_agents_for(owner)] == ["researcher"]

    def test_never_reads_the_instructions(self, stranger: User) -> None:
        with CaptureQueriesContext(connection) as captured:
            locked = queries.locked_agents_for(stranger)
        assert locked
        assert "SECRET-INSTRUCTIONS" not in repr(locked)
        assert not [query for query in captured if '"instructions"' in query["sql"]]

    def test_is_empty_for_a_suspended_user(self, suspended: User) -> None:
        assert queries.locked_agents_for(suspended) == []


def card(name: str, **more: Any) -> AgentCard:
    fields = {
        "description": "",
        "model": "openai:gpt-5.4",
        "model_label": "gpt-5.4 (OpenAI)",
        "tools": (),
        "capabilities": (),
        "why": "Everyone",
    }
    return AgentCard(agent_id=name.lower(), name=name, **{**fields, **more})


class TestSearchAgents:
    writer = card("Writer", description="Drafts letters", tools=("clock",), capabilities=("Überarbeiten", "drafts"))
    analyst = card("Analyst", model="local:smollm2", model_label="smollm2 (Embedded model)", tools=("calculator", "clock"))
    both = (writer, analyst)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", both),
            ("wri", (writer,)),
            ("LETTERS drafts", (writer,)),
            ("letters analyst", ()),
            ("überarb", (writer,)),
            ("calc", (analyst,)),
            ("embedded", (analyst,)),
            ("openai", (writer,)),
            ("  ", both),
        ],
    )
    def test_finds_every_word_anywhere_on_the_card(self, text: str, found: tuple[AgentCard, ...]) -> None:
        assert queries.search_agents(self.both, text) == list(found)

    def test_filters_exactly(self) -> None:
        assert queries.search_agents(self.both, model="local:smollm2") == [self.analyst]
        assert queries.search_agents(self.both, tool="clock") == [self.writer, self.analyst]
        assert queries.search_agents(self.both, tool="calc") == []
        assert queries.search_agents(self.both, capability="Überarbeiten") == [self.writer]
        assert queries.search_agents(self.both, "analyst", tool="clock") == [self.analyst]


class TestMembershipOfManyTeams:
    def test_opens_the_agents_of_all(self, stranger: User) -> None:
        for name in ("a", "b"):
            team = TeamFactory()
            MembershipFactory(user=stranger, team=team)
            AgentFactory(agent_id=name, team=team)
        assert ids(stranger) == {"a", "b"}


@pytest.mark.parametrize(
    ("model", "label"), [("openai:gpt-5.4", "gpt-5.4 (OpenAI)"), ("nobody:gpt-5.4", "nobody:gpt-5.4"), ("gpt-5.4", "gpt-5.4"), ("", "")]
)
def test_a_model_of_a_provider_that_is_unknown_is_called_as_it_is_written(model: str, label: str) -> None:
    assert queries.model_label(model) == label
