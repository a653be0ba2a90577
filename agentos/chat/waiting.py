"""Waiting for the end of a run, for callers that want the whole answer at once."""

import time

from asgiref.sync import sync_to_async
from django.db import connection

from agentos.chat.models import Run
from agentos.core.bell import bell

POLL_SECONDS = 1.0  # a lost ring costs this much


async def ended(run: Run, seconds: float) -> Run:
    """Return the run as soon as it has ended or waits for a person; after ``seconds`` return it as it is then.

    Holds no thread and no database connection while it waits.
    """
    over = time.monotonic() + seconds
    with bell.listen(f"session:{run.session_id}") as listener:
        while True:
            found = await sync_to_async(_read)(run.pk)
            left = over - time.monotonic()
            if found.status not in {Run.Status.QUEUED, Run.Status.RUNNING} or left <= 0:
                return found
            await listener.wait(min(left, POLL_SECONDS))


def _read(pk: int) -> Run:
    run = Run.objects.select_related("session__agent").get(pk=pk)
    if not connection.in_atomic_block:
        connection.close()  # not to be held until the next look
    return run
