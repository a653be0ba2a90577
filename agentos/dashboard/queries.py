"""What the dashboard counts, and how agents are found."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agentos.access.users import User
from agentos.agents.cache import AgentCard
from agentos.agents.queries import AnyCard, Card, search_agents
from agentos.agents.tools import label_of_slug
from agentos.chat.models import ChatSession, Run
from agentos.chat.popularity import people_by_agent
from agentos.chat.queries import listed_sessions
from agentos.chat.runs.reaper import UNDO_TIME
from agentos.core import clock
from agentos.core.security.invisible import visible
from agentos.core.templatetags.agentos import words

CONTINUE = 3
CHIPS = 6
NO_TIME = datetime.min.replace(tzinfo=UTC)


def last_sessions(user: User) -> list[ChatSession]:
    return list(listed_sessions(user).filter(is_archived=False)[:CONTINUE])


def agent_to_start_with(cards: Iterable[AgentCard], sessions: Sequence[ChatSession]) -> AgentCard | None:
    """The agent of the last of these chats that can still be used, else the first that can."""
    open_cards = {card.agent_id: card for card in cards if card.is_available}
    last_used = [session.agent.agent_id for session in sessions if session.agent.agent_id in open_cards]
    return open_cards[last_used[0]] if last_used else next(iter(open_cards.values()), None)


def deleted_sessions(user: User) -> list[ChatSession]:
    """The chats that the user deleted and may still bring back, last deleted first. One of which nothing is left is no use to anybody."""
    deleted = ChatSession.objects.filter(user=user, deleted_at__gt=clock.now() - UNDO_TIME, is_ephemeral=False)
    something_said = Exists(Run.objects.filter(session=OuterRef("pk"), is_hidden=False))
    return list(deleted.filter(something_said).select_related("agent").order_by("-deleted_at", "-pk"))


def runs_today(user: User) -> int:
    midnight = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    return Run.objects.filter(by=user, created_at__gte=midnight).count()


@dataclass(frozen=True, slots=True)
class Models:
    """The models behind a user's agents. ``down`` names the agents that cannot answer now."""

    total: int
    reachable: int
    down: list[str]


def models_of(cards: Sequence[AgentCard], *, engine_ok: bool) -> Models:
    models = {card.model for card in cards}
    unreachable = models if not engine_ok else {card.model for card in cards if not card.is_available}
    return Models(
        total=len(models), reachable=len(models - unreachable), down=[visible(card.name) for card in cards if card.model in unreachable]
    )


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A row of filter chips. ``name`` is the URL's parameter."""

    name: str
    label: str
    choices: list[Choice]

    @property
    def first(self) -> list[Choice]:
        """Those that are chosen, and as many others as a line or two hold."""
        free = max(0, CHIPS - sum(choice.is_chosen for choice in self.choices))
        shown = {choice.value for choice in [choice for choice in self.choices if not choice.is_chosen][:free]}
        return [choice for choice in self.choices if choice.is_chosen or choice.value in shown]

    @property
    def others(self) -> list[Choice]:
        first = self.first
        return [choice for choice in self.choices if choice not in first]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the agents page is asked for: any of the models, all of the tools and capabilities, any of the reasons why they are open,
    every word of the text."""

    text: str = ""
    models: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()

    @property
    def are_set(self) -> bool:
        return bool(self.text or self.models or self.tools or self.capabilities or self.reasons)

    def of(self, cards: Iterable[AnyCard]) -> list[AnyCard]:
        return [
            card
            for card in search_agents(cards, self.text)
            if (not self.models or card.model in self.models)
            and self.tools <= set(card.tools)
            and self.capabilities <= set(card.capabilities)
            and (not self.reasons or card.why in self.reasons)
        ]

    def facets(self, cards: Sequence[Card]) -> list[Facet]:
        """The chips that these cards give; a row with nothing to choose from is left out."""
        models = {card.model: card.model_label for card in cards}
        tools = {tool: label_of_slug(tool) for card in cards for tool in card.tools}
        capabilities = {capability: words(capability) for card in cards for capability in card.capabilities}
        reasons = {card.why: card.why for card in cards if card.why}
        rows = [
            _facet("why", "Open to", reasons, self.reasons),
            _facet("model", "Model", models, self.models),
            _facet("tool", "Tool", tools, self.tools),
            _facet("capability", "Good at", capabilities, self.capabilities),
        ]
        return [row for row in rows if len(row.choices) > 1 or any(choice.is_chosen for choice in row.choices)]


ORDERS = {"name": _("By name"), "popular": _("Popular first"), "new": _("New first")}


def in_order(cards: Iterable[AgentCard], order: str) -> list[AgentCard]:
    """Return cards, which come by name, in one of the ``ORDERS``."""
    if order == "popular":
        people = people_by_agent()
        return sorted(cards, key=lambda card: -people.get(card.agent_id, 0))
    if order == "new":
        return sorted(cards, key=lambda card: card.created_at or NO_TIME, reverse=True)
    return list(cards)


def pinned_first(cards: Iterable[AgentCard], pinned: Collection[str]) -> list[AgentCard]:
    return sorted(cards, key=lambda card: card.agent_id not in pinned)


def _facet(name: str, label: str, values: Mapping[str, str], chosen: frozenset[str]) -> Facet:
    return Facet(
        name, label, [Choice(value, values[value], value in chosen) for value in sorted(values, key=lambda value: values[value].casefold())]
    )
