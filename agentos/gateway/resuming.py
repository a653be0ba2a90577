"""Agno's event stream over our journal: a client that lost its connection resumes, from any process, whether the run goes on or not."""

from collections.abc import AsyncIterator
from typing import Any

from agno.os.event_streams.base import BaseEventStream
from agno.os.utils import format_sse_event_with_index
from agno.run.base import RunStatus

from agentos.access.users import User
from agentos.chat import queries
from agentos.chat.live.parts import Part
from agentos.chat.models import Run
from agentos.gateway import context, database
from agentos.gateway.progress import Progress
from agentos.gateway.serializers import STATUS, events_of, parts_of

GOING_ON = frozenset({Run.Status.QUEUED, Run.Status.RUNNING})


class JournalStream(BaseEventStream):
    """Only read: what is in the journal was written by whoever drives the run. Nobody reads another one's."""

    async def get_run_status(self, run_id: str) -> RunStatus | None:
        run, _ = await self._find(run_id)
        return STATUS[Run.Status(run.status)] if run else None

    async def replay(self, run_id: str, last_event_index: int | None = None) -> list[tuple[int, Any]]:
        """Return the events of a run that has ended or waits; one that goes on is told by ``tail``, from the same place."""
        run, parts = await self._find(run_id)
        if run is None or run.status in GOING_ON:
            return []
        return [(event.event_index, event) async for event in _told(run, parts, last_event_index)]

    async def get_last_index(self, run_id: str) -> int:
        run, parts = await self._find(run_id)
        if run is None:
            return -1
        progress = Progress()
        list(progress.steps(parts))
        return progress.index

    async def get_event_count(self, run_id: str) -> int:
        return await self.get_last_index(run_id) + 1

    async def tail(self, run_id: str, last_event_index: int | None = None) -> AsyncIterator[tuple[int, str]]:
        run, parts = await self._find(run_id)
        if run is not None:
            async for event in _told(run, parts, last_event_index):
                yield event.event_index, format_sse_event_with_index(event, event.event_index)

    async def _find(self, run_id: str) -> tuple[Run | None, list[Part]]:
        """Return the caller's run and what is stored of its answer."""
        return await database.read(_run, context.current().user, run_id)

    async def register_run(self, run_id: str, status: RunStatus = RunStatus.pending) -> None:
        pass

    async def set_run_status(self, run_id: str, status: RunStatus, generation: int | None = None) -> None:
        pass

    async def complete_run(self, run_id: str, status: RunStatus, generation: int | None = None) -> None:
        pass

    async def cleanup_run(self, run_id: str) -> None:
        pass

    async def reset_run_events(self, run_id: str, generation: int | None = None) -> None:
        pass

    async def add_event(self, run_id: str, event: Any, generation: int | None = None) -> int:
        return event.event_index or 0


def _run(user: User, run_id: str) -> tuple[Run | None, list[Part]]:
    run = queries.run_for(user, run_id)
    return run, parts_of(run) if run else []


async def _told(run: Run, parts: list[Part], last_event_index: int | None) -> AsyncIterator[Any]:
    """Give the events after the one that the client saw last; of calls that ran side by side some may be told again."""
    last = -1 if last_event_index is None else last_event_index
    if last < 0:
        events = events_of(run)
    else:
        events = events_of(run, progress=Progress.at(last, parts), first="")
    async for event in events:
        if event.event_index > last or "ToolCall" in event.event:
            yield event
