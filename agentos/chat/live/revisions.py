"""The revision of a session: counted up by every change that a live tab has to hear of, in the change's own transaction."""

from typing import Any

from agentos.chat.models import ChatSession
from agentos.core.db.prepared import Query, update
from agentos.core.pubsub import pubsub
from agentos.core.text import folded

PLACED = frozenset({"is_pinned", "is_archived", "deleted_at"})  # what decides on a session's place in lists, beside its time


def lock(session_pk: int) -> ChatSession:
    """Return the session with its agent, held for this transaction. Raises ChatSession.DoesNotExist."""
    if session := _LOCK.first(session_pk):
        return session
    raise ChatSession.DoesNotExist


_LOCK = Query(lambda pk: ChatSession.objects.select_for_update(of=("self",)).select_related("agent").filter(pk=pk), int)


def change(session: ChatSession, **fields: Any) -> int:
    """Set ``fields`` of a session that ``lock`` gave, count its revision up, publish at the commit, and return the revision."""
    if "title" in fields:
        fields["searchable"] = folded(fields["title"])
    topics = [f"session:{session.pk}", *_lists(session, fields)]
    update(session, revision=session.revision + 1, **fields)
    pubsub.publish_on_commit(*topics)
    return session.revision


def _lists(session: ChatSession, fields: dict[str, Any]) -> list[str]:
    """What the owner's lists have to hear: that they changed, that one session moved to their top, or nothing."""
    if session.is_ephemeral:
        return []
    moves = "updated_at" in fields
    told = PLACED if moves else PLACED | {"title"}  # one that moves to the top is shown with its new title there
    if any(getattr(session, name) != fields[name] for name in told.intersection(fields)):
        return [f"user:{session.user_id}"]
    return [f"user:{session.user_id}#{session.pk}"] if moves else []


def publish_to_owner(session: ChatSession) -> None:
    """Ring for the owner's lists alone: nothing in the transcript has changed."""
    pubsub.publish_on_commit(f"user:{session.user_id}")
