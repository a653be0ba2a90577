"""What Ctrl+K finds: places to go to, and what one can do with the open chat."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from agentos.access.users import User
from agentos.agents.cache import AgentCard
from agentos.agents.queries import search_agents
from agentos.chat import queries
from agentos.chat.models import ChatSession
from agentos.chat.searching import search_sessions
from agentos.core.people import is_operator

CHATS = 6
AGENTS = 6
SHOWN = 5  # chats, and agents, before anything is typed

PLACES = (
    (gettext_noop("Dashboard"), "dashboard:home", "mark"),
    (gettext_noop("Agents"), "dashboard:agents", "agents"),
    (gettext_noop("All chats"), "dashboard:sessions", "chats"),
    (gettext_noop("Your settings: name, colours, Enter, screen reader"), "dashboard:person", "settings"),
    (gettext_noop("API tokens"), "dashboard:tokens", "key"),
    (gettext_noop("Usage"), "dashboard:usage", "settings"),
    (gettext_noop("Connections: tools of other systems"), "dashboard:connections", "settings"),
    (gettext_noop("Memory: what agents remember of you"), "dashboard:memories", "settings"),
    (gettext_noop("Webhooks"), "webhooks_out:endpoints", "settings"),
    (gettext_noop("Keyboard shortcuts"), "dashboard:shortcuts", "keyboard"),
)
PLACES_OF_OPERATORS = (
    (gettext_noop("Models: their providers, and what is missing"), "dashboard:models", "settings"),
    (gettext_noop("Inbox of webhooks"), "inbox:events", "settings"),
    (gettext_noop("Endpoints of webhooks"), "inbox:endpoints", "settings"),
    (gettext_noop("Administration"), "admin:index", "settings"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """``key`` tells entries apart. One that ``is_change`` posts ``field`` = ``value``; ``presses`` is the id of a button to press."""

    key: str
    label: str
    path: str
    icon: str
    about: str = ""
    is_change: bool = False
    field: str = ""
    value: str = ""
    presses: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    entries: list[Entry]


def found(user: User, text: str, *, cards: Iterable[AgentCard], session: ChatSession | None, new_chat_url: str) -> list[Group]:
    """Return what ``text`` finds; without a text, what is near. ``session``: the open chat."""
    acts = [Entry("new", _("New chat"), new_chat_url, "plus"), *(of_session(session) if session else ())]
    groups = [
        Group(_("This chat") if session else _("Do"), _named(acts, text)),
        Group(_("Chats"), _chats(user, text, session)),
        Group(_("Agents"), _agents(cards, text)),
        Group(_("Go to"), _named(_places(user), text)),
    ]
    return [group for group in groups if group.entries]


def of_session(session: ChatSession) -> Iterator[Entry]:
    def change(verb: str, label: str, icon: str, field: str = "", value: str = "") -> Entry:
        url = reverse(f"dashboard:{verb}", args=[session.session_id])
        return Entry(verb, label, url, icon, is_change=True, field=field, value=value)

    manage = reverse("dashboard:manage", args=[session.session_id])
    yield Entry("rename", _("Rename this chat"), manage, "edit", presses="session-menu")
    pinned, archived = session.is_pinned, session.is_archived
    yield change("pin", _("Unpin this chat") if pinned else _("Pin this chat"), "pin", "pinned", "0" if pinned else "1")
    archive = _("Bring this chat back from the archive") if archived else _("Archive this chat")
    yield change("archive", archive, "archive", "archived", "0" if archived else "1")
    yield change("delete", _("Delete this chat"), "trash")


def _chats(user: User, text: str, session: ChatSession | None) -> list[Entry]:
    """Chats that are found open where they have the text."""
    chats = search_sessions(user, text, limit=CHATS + 1) if text else queries.recent_sessions(user).sessions
    others = [chat for chat in chats if session is None or chat.pk != session.pk][: CHATS if text else SHOWN]
    return [
        Entry(chat.session_id, str(chat), f"{_path(chat)}{chat.found.place if text else ''}", "chats", about=chat.agent.name)  # type: ignore[attr-defined]
        for chat in others
    ]


def _path(session: ChatSession) -> str:
    return reverse("dashboard:session", args=[session.session_id])


def _agents(cards: Iterable[AgentCard], text: str) -> list[Entry]:
    agents = search_agents(cards, text)[: AGENTS if text else SHOWN]
    return [
        Entry(f"agent-{card.agent_id}", card.name, reverse("dashboard:chat", args=[card.agent_id]), "agents", about=_("New chat"))
        for card in agents
    ]


def _places(user: User) -> Iterator[Entry]:
    for label, view, icon in (*PLACES, *(PLACES_OF_OPERATORS if is_operator(user) else ())):
        try:
            yield Entry(view.replace(":", "-"), _(label), reverse(view), icon)
        except NoReverseMatch:
            continue  # a project of others may have no such page


def _named(entries: Iterable[Entry], text: str) -> list[Entry]:
    words = text.casefold().split()
    return [entry for entry in entries if all(word in entry.label.casefold() for word in words)]
