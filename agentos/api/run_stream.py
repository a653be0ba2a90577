"""The events of one run: what its journal says, line by line, until it has ended.

``id:`` is the number of the journal's line, and a reader that comes back with it misses nothing and is told nothing twice. When a
run ends its journal is folded into its parts, so a reader in the middle is told the rest from those, and one whose place cannot
be known any more is given a ``snapshot``, which replaces all that it has.
"""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError

from agentos.access.users import User
from agentos.api.differences import events_between
from agentos.api.resources import Started
from agentos.api.serializers import full_run
from agentos.chat import queries
from agentos.chat.callers import lost
from agentos.chat.live.buffer import live_buffers
from agentos.chat.live.parts import DELTAS, Part, add, fold, text_of
from agentos.chat.models import Run
from agentos.chat.registry import OpenStream, registry
from agentos.core import db
from agentos.core.db import outage
from agentos.core.http import sse
from agentos.core.http.errors import Problem
from agentos.core.pubsub import Subscription, pubsub

SILENT = frozenset({"usage"})  # lines of the journal that are not told: the run's totals are
ENDS = frozenset({"finished", "failed", "stopped", "interrupted"})
NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(slots=True)
class Place:
    """Where a reader is: it has been told ``parts``, which are the journal up to ``seq``. ``lost``: nobody knows what it has."""

    seq: int = 0
    parts: list[Part] = field(default_factory=list)
    lost: bool = False


def place_of(run: Run, lines: Sequence[queries.JournalLine], last_event_id: str) -> Place | None:
    """Return where a reader with this Last-Event-ID is, None when it has been told all there will ever be.

    ``lines``: the journal, read before the run was (``service.get_run_with_journal``).
    """
    if not last_event_id:
        return Place()
    seen = int(last_event_id) if NUMBER.fullmatch(last_event_id) else -1
    if run.status in Run.ENDED:
        if seen == run.last_seq:
            return None
        if seen == run.last_seq - 1:  # nothing was said after it but the end
            return Place(seen, run.parts)
        return Place(max(run.last_seq - 1, 0), run.parts, lost=True)
    here = lines[-1].seq if lines else 0
    if not 0 <= seen <= here:
        return Place(here, fold((line.kind, line.data) for line in lines), lost=True)
    return Place(seen, fold((line.kind, line.data) for line in lines if line.seq <= seen))


class RunStream:
    """Made on a thread that may ask the database. ``greeting``: what is told first, to a reader who does not know the run yet."""

    def __init__(self, user: User, run: Run, place: Place, opened: OpenStream, greeting: Started | None = None) -> None:
        self.user = user
        self.run = run
        self.place = place
        self.opened = opened
        self.over = False
        self.first = sse.frame(greeting.model_dump_json(), event="run") if greeting else b""
        if place.lost:
            self.first = self._snapshot()

    async def frames(self) -> AsyncIterator[bytes]:
        session = self.run.session_id
        try:
            with pubsub.subscribe(f"session:{session}", f"draft:{session}", self.opened.topic, "stop") as subscription:
                yield b": connected\nretry: 1000\n\n"
                if self.first:
                    yield self.first
                async for data in self._news(subscription):
                    yield data
        finally:
            registry.close(self.opened)

    async def _news(self, subscription: Subscription) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        heard, beat_due = {"session"}, now() + sse.HEARTBEAT_SECONDS
        while not registry.stopping:
            missed: set[str] = set()
            try:
                frames = await self._told(heard)
            except DatabaseError as error:  # nothing is lost: it is in the journal
                outage.note(error)
                frames, missed = [], heard | {"session"}
            for data in frames:
                yield data
                beat_due = now() + sse.HEARTBEAT_SECONDS
            if self.over:
                return
            if self.opened.closed:
                yield sse.frame(compact(self._why()), event="closed")
                return
            if now() >= beat_due:
                yield b": beat\n\n"
                beat_due = now() + sse.HEARTBEAT_SECONDS
            rung = await subscription.wait(min(max(0.0, beat_due - now()), outage.AGAIN_SECONDS if missed else math.inf))
            # Nothing for a while: look, in case whoever drives the run cannot be heard here.
            heard = {topic.partition(":")[0] for topic in rung} | missed or {"session"}
        yield sse.frame("{}", event="restart")

    def _why(self) -> dict[str, Any]:
        problem = lost(self.opened.lost) if self.opened.lost else Problem(404, "The chat was deleted.", code="session_not_found")
        return {"error": problem.sentence, "code": problem.code}

    async def _told(self, heard: set[str]) -> list[bytes]:
        grown = self._from_memory() if heard == {"draft"} else None
        return await db.read(self._from_journal, heard) if grown is None else grown

    def _from_memory(self) -> list[bytes] | None:
        """New words of a run that this process drives; None when something else has happened, or elsewhere."""
        draft = live_buffers.of_session(self.run.session_id)
        if draft is None or draft.run_pk != self.run.pk:
            return None
        lines = draft.after(self.place.seq)
        if any(line.kind not in DELTAS for line in lines):
            return None
        return [self._line(line.seq, line.kind, {"text": draft.parts[line.part]["text"][line.start : line.end]}) for line in lines]

    def _from_journal(self, heard: set[str]) -> list[bytes]:
        """All that is read is read before anything of it is noted as told: a database that goes away in the middle takes nothing."""
        lines = list(queries.journal(self.run, after=self.place.seq))
        asks = bool(heard & {"session", "stream"})
        run = queries.run_for(self.user, self.run.run_id) if asks else None
        whole = full_run(run, run.session).model_dump_json() if run and run.status in Run.ENDED else ""
        frames = [self._line(line.seq, line.kind, line.data) for line in self._untold(lines) if line.kind not in SILENT]
        if asks:
            frames += self._end(run, whole)
        return frames

    def _untold(self, lines: Sequence[queries.JournalLine]) -> Iterator[queries.JournalLine]:
        """What the journal says next. Of a run that has ended only the last line is left; ``_end`` tells what the others said."""
        for line in lines:
            if line.kind in ENDS:
                return
            if line.kind in SILENT:
                self.place.seq = line.seq
            yield line

    def _end(self, run: Run | None, whole: str) -> Iterator[bytes]:
        """How the run ended, if it has, after what was not told yet. ``whole``: the run as its end tells it."""
        if run is None:  # its chat was deleted
            self.opened.closed = True
            return
        if run.status not in Run.ENDED:
            return
        for kind, data in events_between(self.place.parts, run.parts):
            yield sse.frame(compact(data), event=kind)
        self.over = True
        yield sse.frame(whole, event=run.status, event_id=str(run.last_seq))

    def _line(self, seq: int, kind: str, data: dict[str, Any]) -> bytes:
        add(self.place.parts, kind, data)
        self.place.seq = seq
        return sse.frame(compact(data), event=kind, event_id=str(seq))

    def _snapshot(self) -> bytes:
        state = full_run(self.run, self.run.session, parts=self.place.parts, answer=text_of(self.place.parts))
        return sse.frame(state.model_dump_json(), event="snapshot", event_id=str(self.place.seq))


def compact(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
