"""What the owner of a chat has seen of it: an answer that ends while no tab of theirs shows its chat is unread, until one does.

Nothing is written while somebody looks on: whoever ends a run knows the tabs of its own process. The tab of another process takes the
mark away when it shows the answer.
"""

from typing import Any

from django.db import transaction

from agentos.access.users import User
from agentos.agents.events import Event, Failed, Interrupted, Stopped
from agentos.chat.live.revisions import publish_to_owner
from agentos.chat.models import ChatSession
from agentos.chat.registry import registry

Unseen = ChatSession.Unseen


def left_by(event: Event, session: ChatSession, by: User | None) -> dict[str, Any]:
    """What becomes of the session's ``unseen`` when an answer of it ends, or begins to wait. Who stops an answer has seen that."""
    if registry.shown[session.pk] or (by is not None and by.pk == session.user_id):
        return {"unseen": Unseen.NOTHING} if session.unseen else {}
    return {"unseen": Unseen.FAILURE if isinstance(event, Failed | Interrupted | Stopped) else Unseen.ANSWER}


def look(session: ChatSession) -> None:
    """Note that the owner is shown the chat as it is in ``session``. Writes once, and only where something was not seen."""
    if not session.unseen:
        return
    session.unseen = Unseen.NOTHING
    with transaction.atomic():
        # What has come since it was read is not shown yet.
        if ChatSession.objects.filter(pk=session.pk, revision=session.revision).update(unseen=Unseen.NOTHING):
            publish_to_owner(session)
