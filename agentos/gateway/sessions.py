"""Sessions as Agno's clients know them: by our id, or by a name of their own."""

import re
from typing import Any

from django.db import transaction

from agentos.access.users import User
from agentos.chat import actions, queries
from agentos.chat.models import ChatSession, Run
from agentos.chat.sent_files import KeptFiles
from agentos.core import ids
from agentos.core.text import clean
from agentos.gateway.models import NAME_LIMIT, SessionName
from agentos.service import AgentOSService, SessionNotFound

OURS = re.compile(rf"session_[{ids.ALPHABET}]{{{ids.LENGTH}}}")


def find(user: User, given: str) -> ChatSession | None:
    """Return the user's session of this id or name."""
    if OURS.fullmatch(given):
        return queries.session_for(user, given)
    return queries.sessions_for(user).filter(pk__in=SessionName.objects.filter(user=user, name=_name(given)).values("session")).first()


def send(*, by: User, text: str, agent_id: str, given: str, kept: KeptFiles, idempotency_key: str = "", wants_answer: bool = False) -> Run:
    """Store a message in the session that the client names, which is opened if there is none of that name.

    Raises AgentNotFound, SessionNotFound, and what ``AgentOSService.send_message`` raises.
    """
    service = AgentOSService(by)
    more: dict[str, Any] = {"idempotency_key": idempotency_key, "files": kept.ids, "fingerprints": kept.fingerprints}
    if not given:
        return service.send_message(text, agent_id=agent_id, **more)
    with transaction.atomic():
        session = find(by, given) or create(by=by, agent_id=agent_id, given=given)
        return service.send_message(text, agent_id=agent_id, session_id=session.session_id, wants_answer=wants_answer, **more)


def create(*, by: User, agent_id: str, given: str = "", title: str = "") -> ChatSession:
    """Open an empty session under the name that the client gives it.

    An id that looks like ours and is not the caller's is somebody else's, or nobody's: SessionNotFound, either way.
    """
    if OURS.fullmatch(given):
        raise SessionNotFound
    with transaction.atomic():
        session = AgentOSService(by).create_session(agent_id, title)
        if given:
            SessionName.objects.update_or_create(user=by, name=_name(given), defaults={"session": session})
    return session


def rename(*, by: User, session: ChatSession, title: str) -> None:
    actions.rename_session(session=session, title=title, by=by)


def _name(given: str) -> str:
    return clean(given)[:NAME_LIMIT]
