"""Waiting for the end of a run, for callers that want the whole answer at once."""

import time

from django.db import DatabaseError

from agentos.chat.callers import Watch
from agentos.chat.errors import WaitingForApproval
from agentos.chat.models import Run
from agentos.core import db
from agentos.core.db import outage
from agentos.core.db.prepared import Query
from agentos.core.pubsub import pubsub

POLL_SECONDS = 1.0  # a lost notice costs this much
WORKING = frozenset({Run.Status.QUEUED, Run.Status.RUNNING})

# Of a session: anything at all when one of its runs waits for a person. The others, which are queued, wait with it.
approval_is_due = Query(lambda session: Run.objects.filter(session=session, status=Run.Status.WAITING).values_list("pk"), int)
_status = Query(lambda pk: Run.objects.filter(pk=pk).values_list("status"), int)


async def ended(run: Run, seconds: float, watch: Watch | None = None) -> Run | None:
    """Return the run as soon as it has ended or waits for a person, None when ``seconds`` have passed before.

    Holds no thread and no database connection while it waits. Raises Run.DoesNotExist when the run was erased meanwhile, and
    WaitingForApproval when a person has to decide before it can begin. ``watch``: of the caller, whose ``Problem`` it raises.
    """
    over = time.monotonic() + seconds
    with pubsub.subscribe(f"session:{run.session_id}") as subscription:
        while (left := over - time.monotonic()) > 0:
            if watch:
                await watch.look()
            try:
                status = await db.read(_status.value, run.pk)
                if status not in WORKING:
                    return await db.read(_whole, run.pk)
                if status == Run.Status.QUEUED and await db.read(approval_is_due.rows, run.session_id):
                    raise WaitingForApproval(run.session.session_id, is_stored=True)
            except DatabaseError as error:  # it is back before the time is over, or not
                outage.note(error)
            await subscription.wait(min(left, POLL_SECONDS))
    return None


def _whole(pk: int) -> Run:
    return Run.objects.select_related("session__agent").get(pk=pk)
