"""Who may use which agent, and why. The send path asks here, never the cache."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.db.models import Q, QuerySet

from agentos.access.models import User
from agentos.access.queries import plans_of, teams_of
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import PROVIDERS, split
from agentos.core import clock
from agentos.core.prepared import Query


@dataclass(frozen=True, slots=True)
class Holdings:
    """What of a user's opens agents: the keys of their teams and of the plans that they hold now."""

    teams: frozenset[int]
    plans: frozenset[int]


@dataclass(frozen=True, slots=True)
class LockedAgent:
    """An agent that a user may not use, as far as they may know of it. ``opened_by`` says what would open it."""

    agent_id: str
    name: str
    description: str
    model: str
    model_label: str
    tools: tuple[str, ...]
    capabilities: tuple[str, ...]
    opened_by: str


class Card(Protocol):
    """What a search looks at: an AgentCard and a LockedAgent have it."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def model_label(self) -> str: ...
    @property
    def tools(self) -> tuple[str, ...]: ...
    @property
    def capabilities(self) -> tuple[str, ...]: ...


AnyCard = TypeVar("AnyCard", bound=Card)


def agents_for(user: User) -> QuerySet[DjangoAgent]:
    """Return the agents that this user may use now."""
    agents: QuerySet[DjangoAgent] = DjangoAgent.objects.usable_by(user)
    return agents


def may_use(user: User, agent_pk: int) -> bool:
    """Whether this user may use this agent now."""
    return bool(_USABLE.rows(user.pk, agent_pk, clock.now()))


_USABLE = Query(
    lambda user, agent, now: DjangoAgent.objects.usable_by(User(pk=user), at=now).filter(pk=agent).values_list("pk"), int, int, datetime
)


def holdings_of(user: User) -> Holdings:
    teams = teams_of(user).order_by().values_list("pk", flat=True)
    plans = plans_of(user).order_by().values_list("pk", flat=True)
    return Holdings(teams=frozenset(teams), plans=frozenset(plans))


def reason(agent: DjangoAgent, holdings: Holdings) -> str:
    """Return why somebody with these holdings may use the agent; empty when they may not."""
    if agent.is_global:
        return "Everyone"
    if agent.team_id in holdings.teams:
        return f"Team {agent.team}"
    for plan in agent.plans.all():
        if plan.pk in holdings.plans:
            return f"Plan {plan}"
    return ""


def locked_agents_for(user: User) -> list[LockedAgent]:
    """Return the active agents that a team or a plan would open to this user. Their instructions are not even read."""
    if not user.is_active:
        return []
    usable = DjangoAgent.objects.usable_by(user).order_by().values("pk")
    locked = DjangoAgent.objects.filter(Q(team__isnull=False) | Q(plans__isnull=False), is_active=True).exclude(pk__in=usable)
    rows = locked.distinct().defer("instructions").select_related("team").prefetch_related("plans")
    return [
        LockedAgent(
            agent_id=agent.agent_id,
            name=agent.name,
            description=agent.description,
            model=agent.model,
            model_label=model_label(agent.model),
            tools=tuple(agent.tools),
            capabilities=tuple(agent.capabilities),
            opened_by=what_opens(agent),
        )
        for agent in rows
    ]


def what_opens(agent: DjangoAgent) -> str:
    """Return the sentence on a locked card."""
    ways = []
    plans = [str(plan) for plan in agent.plans.all()]
    if plans:
        ways.append(f"Included in plan {' or '.join(plans)}")
    if agent.team:
        ways.append(f"{'ask' if ways else 'Ask'} to join team {agent.team}")
    return ", or ".join(ways)


def model_label(model: str) -> str:
    """Return a model's name for people: ``gpt-5.4 (OpenAI)``."""
    slug, model_id = split(model)
    return f"{model_id} ({PROVIDERS[slug].label})" if slug in PROVIDERS else model


def search_agents(cards: Iterable[AnyCard], text: str = "", *, model: str = "", tool: str = "", capability: str = "") -> list[AnyCard]:
    """Return the cards that match everything that is asked for. Every word of ``text`` must stand somewhere on the card."""
    words = text.casefold().split()
    return [
        card
        for card in cards
        if (not model or card.model == model)
        and (not tool or tool in card.tools)
        and (not capability or capability in card.capabilities)
        and all(word in on_card(card) for word in words)
    ]


def on_card(card: Card) -> str:
    return " ".join((card.name, card.description, card.model, card.model_label, *card.tools, *card.capabilities)).casefold()
