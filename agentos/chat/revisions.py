"""The revision of a session: counted up by every change that a live tab has to hear of, in the change's own transaction."""

from typing import Any

from django.db import transaction

from agentos.chat.models import ChatSession
from agentos.core.bell import bell


def lock(session_pk: int) -> ChatSession:
    """Return the session with its agent, held for this transaction. Raises ChatSession.DoesNotExist."""
    return ChatSession.objects.select_for_update(of=("self",)).select_related("agent").get(pk=session_pk)


def change(session: ChatSession, **fields: Any) -> int:
    """Set ``fields`` of a session that ``lock`` gave, count its revision up, ring after the commit, and return the revision."""
    session.revision += 1
    for name, value in fields.items():
        setattr(session, name, value)
    ChatSession.objects.filter(pk=session.pk).update(revision=session.revision, **fields)
    transaction.on_commit(lambda: bell.ring(f"session:{session.pk}", f"user:{session.user_id}"))
    return session.revision


def ring_owner(session: ChatSession) -> None:
    """Ring for the owner's lists alone: nothing in the transcript has changed."""
    transaction.on_commit(lambda: bell.ring(f"user:{session.user_id}"))
