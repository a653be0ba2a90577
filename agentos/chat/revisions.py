"""The revision of a session: counted up by every change that a live tab has to hear of, in the change's own transaction."""

from django.db import transaction
from django.db.models import F

from agentos.chat.models import ChatSession
from agentos.core.bell import bell


def next_revision(session: ChatSession) -> int:
    """Count up and return the new revision, and ring for the session and its owner after the commit."""
    ChatSession.objects.filter(pk=session.pk).update(revision=F("revision") + 1)
    session.revision = ChatSession.objects.values_list("revision", flat=True).get(pk=session.pk)
    transaction.on_commit(lambda: bell.ring(f"session:{session.pk}", f"user:{session.user_id}"))
    return session.revision


def ring_owner(session: ChatSession) -> None:
    """Ring for the owner's lists alone: nothing in the transcript has changed."""
    transaction.on_commit(lambda: bell.ring(f"user:{session.user_id}"))
