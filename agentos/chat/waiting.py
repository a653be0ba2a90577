"""Waiting for the end of a run, for callers that want the whole answer at once."""

import time

from agentos.chat.models import Run
from agentos.core import db
from agentos.core.bell import bell
from agentos.core.prepared import Query

POLL_SECONDS = 1.0  # a lost ring costs this much
WORKING = frozenset({Run.Status.QUEUED, Run.Status.RUNNING})

_status = Query(lambda pk: Run.objects.filter(pk=pk).values_list("status"), int)


async def ended(run: Run, seconds: float) -> Run | None:
    """Return the run as soon as it has ended or waits for a person, None when ``seconds`` have passed before.

    Holds no thread and no database connection while it waits. Raises Run.DoesNotExist when the run was erased meanwhile.
    """
    over = time.monotonic() + seconds
    with bell.listen(f"session:{run.session_id}") as listener:
        while (left := over - time.monotonic()) > 0:
            if await db.look(_status.value, run.pk) not in WORKING:
                return await db.read(_whole, run.pk)
            await listener.wait(min(left, POLL_SECONDS))
    return None


def _whole(pk: int) -> Run:
    return Run.objects.select_related("session__agent").get(pk=pk)
