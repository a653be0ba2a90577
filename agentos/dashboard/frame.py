"""What every page of a signed-in person has round it: the sidebar, the way to a new chat, the tab's live stream."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession
from agentos.core.bell import bell
from agentos.core.http import user_of
from agentos.dashboard.sidebar import sidebar


def frame(
    request: HttpRequest, *, here: str = "", session: ChatSession | None = None, agent: DjangoAgent | None = None, cursor: str = ""
) -> dict[str, Any]:
    """``here`` names the page in the navigation. A ``session`` with a ``cursor`` is followed live."""
    user = user_of(request)
    lists = bell.version(f"user:{user.pk}")  # before the lists are read: what changes in between is sent again
    return {
        "sidebar": sidebar(user, session.session_id if session else ""),
        "new_chat_url": new_chat_url(agent),
        "live_url": live_url(session, cursor, lists),
        "here": here,
    }


def new_chat_url(agent: DjangoAgent | None) -> str:
    """A new chat with the agent at hand, or the choice of one."""
    return reverse("dashboard:chat", args=[agent.agent_id]) if agent else reverse("dashboard:agents")


def live_url(session: ChatSession | None, cursor: str, lists: str) -> str:
    """``cursor`` and ``lists`` say what the page shows, so that the stream begins with what came after."""
    followed = {"session": session.session_id, "cursor": cursor} if session and cursor else {}
    return f"{reverse('dashboard:live')}?{urlencode({**followed, 'lists': lists})}"


def layout_for(request: HttpRequest) -> dict[str, Any]:
    """The frame of an error page: of a person who is signed in, or of nobody."""
    if isinstance(getattr(request, "user", None), User):
        return {"layout": "frame.html", **frame(request)}
    return {"layout": "base.html"}
