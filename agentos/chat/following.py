"""Following one run to its end, for readers that are told its answer as it is written."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from agentos.chat import queries
from agentos.chat.drafts import drafts
from agentos.chat.models import Run
from agentos.chat.parts import Part
from agentos.core import db
from agentos.core.bell import bell

LOOK_SECONDS = 1.0  # between two looks, if the bell does not ring


@dataclass(frozen=True, slots=True)
class Look:
    """The answer so far, not to be kept or changed. ``end``: the run, once it has ended or waits for a person."""

    parts: list[Part]
    end: Run | None = None


async def follow(run: Run) -> AsyncGenerator[Look, None]:
    """Yield a look whenever there may be something new, and at least every second; the last one has an ``end``.

    Text comes from memory where this process drives the run. While it waits it holds no thread and no database connection.
    Raises Run.DoesNotExist when the run was erased meanwhile.
    """
    session, draft_rings = f"session:{run.session_id}", f"draft:{run.session_id}"
    with bell.listen(session, draft_rings) as listener:
        heard = {session}
        while True:
            draft = drafts.of_session(run.session_id)
            mine = draft is not None and draft.run_pk == run.pk
            if session in heard or not mine:
                look = await db.read(_look, run.pk)
                if look.end or not mine:
                    yield look
                if look.end:
                    return
            if mine and draft:
                yield Look(draft.parts)
            heard = await listener.wait(LOOK_SECONDS)


def _look(pk: int) -> Look:
    run = Run.objects.select_related("session__agent").get(pk=pk)
    if run.status == Run.Status.QUEUED:
        return Look([])
    if run.status == Run.Status.RUNNING:
        return Look(queries.parts_so_far(run)[0])
    return Look(run.parts, run)
