"""What every page of a signed-in person has round it: the sidebar, the way to a new chat, the tab's live stream."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from agentos.access.queries import preferences_of
from agentos.access.users import User
from agentos.agents.availability import availability_of
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession
from agentos.core.fragments import draw
from agentos.core.http.htmx import wants_fragment
from agentos.core.http.request import user_of
from agentos.core.paths import is_below
from agentos.core.pubsub import pubsub
from agentos.dashboard.sidebar import sidebar


def frame(
    request: HttpRequest, *, here: str = "", session: ChatSession | None = None, agent: DjangoAgent | None = None, cursor: str = ""
) -> dict[str, Any]:
    """``here`` names the page in the navigation. A ``session`` with a ``cursor`` is followed live."""
    user = user_of(request)
    lists = pubsub.version(f"user:{user.pk}")  # before the lists are read: what changes in between is sent again
    shown = sidebar(user, session.session_id if session else "")
    if shown.has_today:
        lists += f"@{timezone.localdate()}"
    return {
        "sidebar": shown,
        "new_chat_url": new_chat_url(agent),
        "live_url": live_url(session, cursor, lists, agent),
        "here": here,
        "preferences": preferences_of(user),
    }


def header(session: ChatSession) -> str:
    """What stands above a chat. The session comes with its agent."""
    return draw("agentos/session.html#header", {"session": session, "agent": session.agent})


def new_chat_url(agent: DjangoAgent | None) -> str:
    """A new chat with the agent at hand, or with the one that was chosen last."""
    return reverse("dashboard:chat", args=[agent.agent_id]) if agent else reverse("dashboard:new-chat")


def live_url(session: ChatSession | None, cursor: str, lists: str, agent: DjangoAgent | None = None) -> str:
    """It says what the page shows, so that the stream begins with what came after: a session up to ``cursor``, the ``lists``, and a
    composer for the ``agent``, or a closed one."""
    followed = {}
    composer = "open" if agent and availability_of(agent).ok else "closed"
    if session and cursor:
        followed = {"session": session.session_id, "cursor": cursor, "composer": composer}
    elif agent and not session:
        followed = {"agent": agent.agent_id, "composer": composer}
    return f"{reverse('dashboard:live')}?{urlencode({**followed, 'lists': lists})}"


def of_settings(request: HttpRequest) -> dict[str, Any]:
    """A context processor: settings pages are of several rooms, which are strangers to this one, and get their frame from here."""
    if (
        not is_below(request.path_info, "dashboard:settings")
        or wants_fragment(request)
        or not isinstance(getattr(request, "user", None), User)
    ):
        return {}
    return frame(request, here="settings")


def layout_for(request: HttpRequest) -> dict[str, Any]:
    """The frame of an error page: of a person who is signed in, or of nobody."""
    if isinstance(getattr(request, "user", None), User):
        return {"layout": "agentos/layout.html", **frame(request)}
    return {"layout": "agentos/base.html"}
