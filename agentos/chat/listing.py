"""Chats as a program walks through them: newest opened first, an order that nothing changes, so no page repeats or misses one."""

from agentos.access.users import User
from agentos.chat.models import ChatSession
from agentos.chat.queries import SessionPage, listed_sessions
from agentos.chat.searching import contains, terms_of


def page_of_sessions(
    user: User, *, cursor: str = "", limit: int = 50, search: str = "", archived: bool | None = None, agent_id: str = ""
) -> SessionPage:
    """The user's chats after ``cursor``, which is the ``next`` of the page before."""
    sessions = listed_sessions(user).select_related("forked_from").order_by("-pk")
    if cursor:
        sessions = sessions.filter(pk__lt=int(cursor))
    if archived is not None:
        sessions = sessions.filter(is_archived=archived)
    if agent_id:
        sessions = sessions.filter(agent__agent_id=agent_id)
    if search:
        sessions = sessions.filter(contains(terms_of(search)))
    found = list(sessions[: limit + 1])
    if len(found) <= limit:
        return SessionPage(found)
    return SessionPage(found[:limit], next=str(found[limit - 1].pk))


def listed_session(user: User, session_id: str) -> ChatSession | None:
    """One of them, with what lists show of it."""
    return listed_sessions(user).select_related("forked_from").filter(session_id=session_id).first()
