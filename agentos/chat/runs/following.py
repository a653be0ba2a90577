"""Following one run to its end, for readers that are told its answer as it is written."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from agentos.chat import queries
from agentos.chat.errors import WaitingForApproval
from agentos.chat.live.buffer import live_buffers
from agentos.chat.live.parts import Part
from agentos.chat.models import Run
from agentos.chat.runs.waiting import approval_is_due
from agentos.core.db import outage
from agentos.core.pubsub import pubsub

LOOK_SECONDS = 1.0  # between two looks, if nothing is published


@dataclass(frozen=True, slots=True)
class Look:
    """The answer so far, not to be kept or changed. ``end``: the run, once it has ended or waits for a person."""

    parts: list[Part]
    end: Run | None = None


async def follow(run: Run) -> AsyncGenerator[Look, None]:
    """Yield a look whenever there may be something new, and at least every second; the last one has an ``end``.

    Text comes from memory where this process drives the run. While it waits it holds no thread and no database connection.
    Raises Run.DoesNotExist when the run was erased meanwhile, and WaitingForApproval when a person has to decide before it can begin.
    """
    session, draft_rings = f"session:{run.session_id}", f"draft:{run.session_id}"
    with pubsub.subscribe(session, draft_rings) as subscription:
        heard = {session}
        while True:
            buffer = live_buffers.of_session(run.session_id)
            mine = buffer is not None and buffer.run_pk == run.pk
            if session in heard or not mine:
                look = await outage.outlast(_look, run.pk)
                if look.end or not mine:
                    yield look
                if look.end:
                    return
            if mine and buffer:
                yield Look(buffer.parts)
            heard = await subscription.wait(LOOK_SECONDS)


def _look(pk: int) -> Look:
    run = Run.objects.select_related("session__agent").get(pk=pk)
    if run.status == Run.Status.QUEUED:
        if approval_is_due.rows(run.session_id):
            raise WaitingForApproval(run.session.session_id, is_stored=True)
        return Look([])
    if run.status == Run.Status.RUNNING:
        return Look(queries.parts_so_far(run)[0])
    return Look(run.parts, run)
