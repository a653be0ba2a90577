"""What is remembered of a user's agents: never longer than the right lasts, and never needed."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from agentos.access import actions
from agentos.access.models import Plan, Subscription, Team, User
from agentos.agents import cache as agent_cache
from agentos.agents.actions import activate_agent, deactivate_agent
from agentos.agents.models import DjangoAgent
from agentos.core import clock
from tests.factories import AgentFactory, SubscriptionFactory


class BrokenCache(LocMemCache):
    """A cache whose server is away."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        msg = "connection refused"
        raise ConnectionError(msg)

    set = get


def ids(user: User) -> set[str]:
    return {card.agent_id for card in agent_cache.cards_for(user)}


@pytest.fixture(autouse=True)
def quiet_past() -> None:
    agent_cache.complaints.last = float("-inf")


TAKEN_AWAY: dict[str, tuple[str, Callable[[User, DjangoAgent], Any]]] = {
    "the membership": ("support-writer", lambda user, agent: user.memberships.all().delete()),
    "the team": ("support-writer", lambda user, agent: Team.objects.get(name="Support").delete()),
    "the agent's team": (
        "support-writer",
        lambda user, agent: DjangoAgent(pk=agent.pk, agent_id=agent.agent_id, name="x", model=agent.model).save(update_fields=["team"]),
    ),
    "the subscription": ("analyst", lambda user, agent: actions.cancel_subscription(subscription=Subscription.objects.get(), by=None)),
    "the subscription's row": ("analyst", lambda user, agent: Subscription.objects.get().delete()),
    "the customer": ("analyst", lambda user, agent: user.customer.delete()),
    "the plan": ("analyst", lambda user, agent: Plan.objects.get(name="Pro").delete()),
    "the agent's plan": ("analyst", lambda user, agent: agent.plans.clear()),
    "the plan's agent": ("analyst", lambda user, agent: Plan.objects.get(name="Pro").agents.remove(agent)),
    "the agent's activity": ("analyst", lambda user, agent: deactivate_agent(agent=agent, by=None)),
    "the agent": ("analyst", lambda user, agent: agent.delete()),
    "the user's account": ("analyst", lambda user, agent: actions.suspend_user(user=user, by=None)),
}


class TestCardsFor:
    @pytest.mark.parametrize("what", TAKEN_AWAY)
    def test_forgets_at_once_when_taken_away_is(self, what: str, owner: User, team_agent: DjangoAgent, plan_agent: DjangoAgent) -> None:
        agent_id, take_away = TAKEN_AWAY[what]
        assert agent_id in ids(owner)
        take_away(owner, DjangoAgent.objects.get(agent_id=agent_id))
        assert agent_id not in ids(owner)

    def test_forgets_when_the_period_is_over(
        self, stranger: User, plan_agent: DjangoAgent, pro: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end = clock.now() + timedelta(seconds=90)
        SubscriptionFactory(customer__user=stranger, plan=pro, current_period_end=end)
        kept: list[Any] = []
        monkeypatch.setattr(cache, "set", lambda key, value, seconds: kept.append(seconds))
        assert ids(stranger) == {"analyst"}
        assert 85 <= kept[0] <= 90

    def test_is_not_kept_for_less_than_a_second(self, stranger: User, plan_agent: DjangoAgent, pro: Plan) -> None:
        SubscriptionFactory(customer__user=stranger, plan=pro, current_period_end=clock.now() + timedelta(milliseconds=900))
        assert ids(stranger) == {"analyst"}
        Subscription.objects.update(current_period_end=clock.now() - timedelta(seconds=1))
        assert ids(stranger) == set()

    def test_shows_what_is_given(self, stranger: User, team_agent: DjangoAgent, support: Team) -> None:
        assert ids(stranger) == set()
        actions.add_member(team=support, user=stranger, by=None)
        assert ids(stranger) == {"support-writer"}

    def test_shows_what_is_switched_on_again(self, stranger: User, inactive_agent: DjangoAgent) -> None:
        assert ids(stranger) == set()
        activate_agent(agent=inactive_agent, by=None)
        assert ids(stranger) == {"retired"}

    def test_tells_users_apart(self, owner: User, stranger: User, team_agent: DjangoAgent, everyone_agent: DjangoAgent) -> None:
        assert ids(owner) == {"assistant", "support-writer"}
        assert ids(stranger) == {"assistant"}

    def test_asks_the_database_once(self, owner: User, team_agent: DjangoAgent) -> None:
        first = agent_cache.cards_for(owner)
        with CaptureQueriesContext(connection) as captured:
            assert agent_cache.cards_for(owner) == first
        assert len(captured) == 1

    def test_costs_the_same_for_many_agents(self, owner: User, team_agent: DjangoAgent, support: Team, pro: Plan) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                agent_cache.cards_for(owner)
            return len(captured)

        few = queries()
        for _ in range(10):
            AgentFactory(team=support)
            AgentFactory(plans=[pro])
        assert queries() == few

    def test_carries_what_a_card_shows_and_no_instructions(self, owner: User, pro: Plan) -> None:
        agent = AgentFactory(
            agent_id="a", name="A", description="D", model="local:smollm2", tools=["clock"], capabilities=["x"], plans=[pro]
        )
        assert agent_cache.cards_for(owner) == [
            agent_cache.AgentCard(
                agent_id="a",
                name="A",
                description="D",
                model="local:smollm2",
                model_label="smollm2 (Embedded model)",
                tools=("clock",),
                capabilities=("x",),
                why="Plan Pro",
                is_available=False,
                unavailable="This agent is not available now. Ask your administrator.",
                created_at=agent.created_at,
            )
        ]

    def test_looks_at_the_model_at_every_read(self, stranger: User, everyone_agent: DjangoAgent) -> None:
        assert agent_cache.cards_for(stranger)[0].is_available
        with override_settings(AGENTOS_SCRIPTED_MODELS=False):
            assert not agent_cache.cards_for(stranger)[0].is_available
        assert agent_cache.cards_for(stranger)[0].is_available


class TestABrokenCache:
    @pytest.fixture(autouse=True)
    def broken(self) -> Any:
        with override_settings(CACHES={"default": {"BACKEND": "tests.agents.test_cache.BrokenCache"}}):
            yield

    def test_costs_speed_only(self, owner: User, team_agent: DjangoAgent) -> None:
        assert ids(owner) == {"support-writer"}
        owner.memberships.all().delete()
        assert ids(owner) == set()

    def test_is_logged_once_a_minute(self, owner: User, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            ids(owner)
            ids(owner)
            assert [record.getMessage() for record in caplog.records] == [
                "The cache does not work, the database answers instead: ConnectionError: connection refused"
            ]
            agent_cache.complaints.last -= agent_cache.LOG_EVERY
            ids(owner)
        assert len(caplog.records) == 2


class TestAForeignEntry:
    def test_is_not_believed(self, owner: User, team_agent: DjangoAgent) -> None:
        ids(owner)
        from agentos.access import rights

        cache.set(f"agents:{owner.pk}:{rights.version()}", [{"of": "an older release"}])
        assert ids(owner) == {"support-writer"}


def test_what_is_not_remembered_is_none_and_no_trouble(db: None) -> None:
    assert agent_cache.recall("agents:nobody") is None
