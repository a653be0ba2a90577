"""What a user may use, remembered. A cache that is down costs speed only; nothing that sends a message looks here.

The key carries the version of everybody's rights, so the commit of a change makes every older entry unfindable; the one change
that no commit announces, the end of a subscription's period, ends the entry's life.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.core.cache import cache

from agentos.access import rights
from agentos.access.adapters import access
from agentos.access.users import User
from agentos.agents import personal
from agentos.agents.availability import Made, Taking, availability, taking
from agentos.agents.choosing import usable
from agentos.agents.efforts import EFFORTS, knows_efforts
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import Availability
from agentos.agents.queries import agents_for, model_label
from agentos.core import clock
from agentos.core.people import is_operator

logger = logging.getLogger(__name__)

LONGEST = 300  # seconds
LOG_EVERY = 60.0  # seconds
YOURS = "Yours"  # why a personal agent is open
NOT_AVAILABLE = "This agent is not available now. Ask your administrator."


@dataclass(frozen=True, slots=True)
class AgentCard:
    """An agent as its user sees it. ``unavailable`` is the sentence for members while its model cannot be used."""

    agent_id: str
    name: str
    description: str
    model: str
    model_label: str
    tools: tuple[str, ...]
    capabilities: tuple[str, ...]
    why: str
    is_available: bool = True
    unavailable: str = ""
    starters: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    effort_choice: bool = False
    kind: str = DjangoAgent.Kind.AGENT
    source: str = ""
    members: tuple[Taking, ...] = ()
    created_at: datetime | None = None
    is_personal: bool = False
    beyond: str = ""

    @property
    def made(self) -> Made:
        """What decides whether it can answer. Agents that are nothing but a model are made alike when it is the same."""
        is_plain = self.kind == DjangoAgent.Kind.AGENT
        models = (self.model, *self.fallbacks)
        return Made(self.kind, "" if is_plain else self.agent_id, models, self.source, self.members, self.beyond)

    @property
    def models_to_choose(self) -> list[str]:
        return [self.model, *(self.choices if self.kind in DjangoAgent.ASKS_A_MODEL else ())]

    def as_json(self) -> dict[str, Any]:
        """The agent under the keys of the spec, and its starters."""
        return {
            "id": self.agent_id,
            "name": self.name,
            "description": self.description,
            "model": self.model,
            "tools": list(self.tools),
            "capabilities": list(self.capabilities),
            "starters": list(self.starters),
            "models": usable(self.models_to_choose),
            "efforts": list(EFFORTS) if self.effort_choice and any(map(knows_efforts, self.models_to_choose)) else [],
            "kind": self.kind,
            "members": [{"id": agent_id, "name": name} for agent_id, name, _, _ in self.members],
            "personal": self.is_personal,
        }


class Complaints:
    """Lets one line a minute through to the log: a cache that is down fails at every request."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def log(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self.last >= LOG_EVERY:
            self.last = now
            logger.warning("The cache does not work, the database answers instead: %s: %s", type(error).__name__, error)


complaints = Complaints()


def cards_for(user: User) -> list[AgentCard]:
    """Return the agents that this user may use now, with what their models are good for at this moment."""
    key = f"agents:{user.pk}:{rights.version()}"
    cards = quietly(lambda: recall(key))
    if cards is None:
        cards = cards_from_database(user)
        remember(key, cards, user)
    return with_availability(cards, user)


def recall(key: str) -> list[AgentCard] | None:
    stored = cache.get(key)
    return None if stored is None else [AgentCard(**fields) for fields in stored]


def cards_from_database(user: User) -> list[AgentCard]:
    why = access().why(user)
    rows = list(agents_for(user).defer("instructions").select_related("team").prefetch_related("plans", "roster__agent"))
    lent = {team: personal.lent_to(user, team) for team in {agent.team_id for agent in rows if agent.owner_id}}
    return [
        AgentCard(
            agent_id=agent.agent_id,
            name=agent.name,
            description=agent.description,
            model=agent.model,
            model_label=model_label(agent.model),
            tools=tuple(agent.tools),
            capabilities=tuple(agent.capabilities),
            why=YOURS if agent.owner_id else why(agent),
            starters=tuple(agent.starters),
            fallbacks=tuple(agent.fallbacks),
            choices=tuple(agent.choices),
            effort_choice=agent.effort_choice,
            kind=agent.kind,
            source=agent.source,
            members=taking(agent),
            created_at=agent.created_at,
            is_personal=agent.owner_id is not None,
            beyond=personal.beyond(agent, lent[agent.team_id]) if agent.owner_id else "",
        )
        for agent in rows
    ]


def remember(key: str, cards: list[AgentCard], user: User) -> None:
    end = access().next_end(clock.now(), user)
    seconds = min(LONGEST, int((end - clock.now()).total_seconds())) if end else LONGEST
    if seconds > 0:
        quietly(lambda: cache.set(key, [asdict(card) for card in cards], seconds))


def with_availability(cards: list[AgentCard], user: User) -> list[AgentCard]:
    """Ask once for agents that are made alike, and at every read: a model that stopped is nobody's right and changes no version."""
    down = {made: sentence for made in {card.made for card in cards} if (sentence := not_available(availability(made), user))}
    return [replace(card, is_available=False, unavailable=down[card.made]) if card.made in down else card for card in cards]


def not_available(state: Availability, user: User) -> str:
    """Return what a user is told of a model that cannot be used: operators what is missing, everybody else whom to ask. Empty when it
    can be used."""
    if state.ok:
        return ""
    if state.for_all:
        return state.reason
    return f"This agent is not available now. {state.reason}" if is_operator(user) else NOT_AVAILABLE


def quietly(work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns, or None when the cache fails in whatever way its backend has of failing."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001
        complaints.log(error)
        return None
