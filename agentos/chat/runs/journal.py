"""The journal: what happens in the running runs of this process, written in one transaction a tick, before anyone is shown it.

The first words of an answer are written at once; after that all runs share a tick, of 50 ms for one and of 250 ms for a hundred.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import DatabaseError, transaction

from agentos.agents.events import Event, ReasoningDelta, TextDelta
from agentos.agents.runtime.text import clean
from agentos.chat.live.buffer import LiveBuffer
from agentos.chat.models import Run, RunEvent
from agentos.core import clock, db
from agentos.core.db.prepared import Query, insert_all
from agentos.core.pubsub import pubsub

log = logging.getLogger(__name__)

TICK = 0.05  # seconds
TICK_PER_RUN = 0.002  # more runs, a longer tick: the cost of a write grows slower than their number
TICK_MOST = 0.25
RETRY_SECONDS = 0.5  # after a write that the database refused


class Row(NamedTuple):
    """A RunEvent that is not stored yet: of these there are many, and Django's objects cost more than their storing."""

    run_id: int
    seq: int
    attempt: int
    kind: str
    data: dict[str, Any]
    created_at: datetime


class Said(list[str]):
    """Text of a member of a team, with where it belongs."""

    def __init__(self, text: str, within: str, by: str) -> None:
        super().__init__([text])
        self.place = {"within": within, "by": by}


class Entry:
    """What one run has said and done since the last write. Text of the same kind grows together: one row a tick, not one a token.

    ``unread``: what to call to be told of what was said.
    """

    __slots__ = ("buffer", "fresh", "lines", "on_stale", "unread")

    def __init__(self, buffer: LiveBuffer, on_stale: Callable[[], None]) -> None:
        self.buffer = buffer
        self.on_stale = on_stale
        self.lines: list[tuple[str, Any]] = []
        self.unread: list[Callable[[], None]] = []
        self.fresh = True  # nothing of it was written yet

    def catch_up(self) -> None:
        while self.unread:
            self.unread.pop(0)()

    def take(self) -> list[Row]:
        """Return what is to be written as rows, numbered on from what is stored, and forget it here."""
        seq, at = self.buffer.seq, clock.now()
        rows = []
        for kind, data in self.lines:
            seq += 1
            content = {"text": clean("".join(data)), **getattr(data, "place", {})} if isinstance(data, list) else data
            rows.append(Row(self.buffer.run_pk, seq, self.buffer.attempt, kind, content, at))
        self.lines = []
        return rows


class Journal:
    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.dirty: set[int] = set()
        self.writing = asyncio.Lock()
        self.awake = asyncio.Event()
        self.urgent = asyncio.Event()

    def open(self, buffer: LiveBuffer, on_stale: Callable[[], None]) -> Entry:
        """``on_stale`` is called when the run turns out to be somebody else's, or to have ended."""
        entry = self.entries[buffer.run_pk] = Entry(buffer, on_stale)
        return entry

    def close(self, entry: Entry) -> None:
        self.entries.pop(entry.buffer.run_pk, None)

    def say(self, entry: Entry, kind: str, text: str, within: str = "", by: str = "") -> None:
        """Note text of this kind. ``within``: the delegation that it is said in, ``by`` an agent."""
        if within and text:
            self._say_within(entry, kind, text, within, by)
            return
        if not text:
            return
        lines = entry.lines
        if lines and lines[-1][0] == kind and not isinstance(lines[-1][1], Said):
            lines[-1][1].append(text)  # and the write is due already
        else:
            lines.append((kind, [text]))
            self._note(entry)

    def has_more(self, entry: Entry, read: Callable[[], None]) -> None:
        """Note that more was said. It is read when it is written, together with what comes until then."""
        entry.unread.append(read)
        self._note(entry)

    def catch_up(self, run_pk: int) -> None:
        """Read what a run has said, however long the write before may take."""
        if entry := self.entries.get(run_pk):
            entry.catch_up()

    def put(self, entry: Entry, event: Event) -> None:
        """Note an event."""
        if isinstance(event, TextDelta | ReasoningDelta):
            self.say(entry, event.kind, event.text, event.within, event.by)
        else:
            entry.lines.append((event.kind, event.data()))
            self._note(entry)

    def _say_within(self, entry: Entry, kind: str, text: str, within: str, by: str) -> None:
        """Note text of a member. Members speak side by side: it grows with what this one has said before, whoever came between."""
        for before, data in reversed(entry.lines):
            if not isinstance(data, Said):
                break
            if data.place["within"] == within:
                if before == kind:
                    data.append(text)
                    return
                break
        entry.lines.append((kind, Said(text, within, by)))
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        if entry.fresh:
            entry.fresh = False
            self.urgent.set()
        pk = entry.buffer.run_pk
        if pk not in self.dirty:
            self.dirty.add(pk)
            self.awake.set()

    async def write_forever(self) -> None:
        loop = asyncio.get_running_loop()
        last = 0.0
        while True:
            await self.awake.wait()
            pause = last + min(TICK + TICK_PER_RUN * len(self.entries), TICK_MOST) - loop.time()
            if pause > 0 and not self.urgent.is_set():
                await self._sleep(pause)
            self.awake.clear()
            self.urgent.clear()
            last = loop.time()
            if not await self.flush():
                await asyncio.sleep(RETRY_SECONDS)
                self.awake.set()

    async def _sleep(self, seconds: float) -> None:
        """Until the tick is over, or a first word comes."""
        try:
            async with asyncio.timeout(seconds):
                await self.urgent.wait()
        except TimeoutError:
            pass

    async def last_words(self, entry: Entry) -> list[Row]:
        """Return what an ending run has not stored yet, once nothing of it is on its way to the database."""
        async with self.writing:
            entry.catch_up()
            self.dirty.discard(entry.buffer.run_pk)
            return entry.take()

    async def written(self) -> None:
        """Return when all that is noted is on disk. Whoever turns out to be stale by then is told so before this returns."""
        while True:
            # A write that has begun is not broken off with whoever waits for it.
            if await asyncio.shield(asyncio.ensure_future(self.flush())):
                await asyncio.sleep(0)
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def flush(self) -> bool:
        """Write everything that is noted. Returns False when the database refused; nothing is lost then."""
        async with self.writing:
            entries = [self.entries[pk] for pk in self.dirty if pk in self.entries]
            for entry in entries:
                entry.catch_up()
            self.dirty.clear()
            batch = {entry.buffer.run_pk: (entry, entry.take()) for entry in entries}
            if not batch:
                return True
            try:
                current = await db.write(
                    _store,
                    {pk: (entry.buffer.attempt, entry.buffer.session_pk) for pk, (entry, _) in batch.items()},
                    [row for _, rows in batch.values() for row in rows],
                )
            except DatabaseError:
                log.exception("The journal could not be written; trying again.")
                self._put_back(batch)
                return False
            for pk, (entry, _) in batch.items():
                if pk not in current:
                    entry.on_stale()
            _show([written for pk, written in batch.items() if pk in current])
            return True

    def _put_back(self, batch: dict[int, tuple[Entry, list[Row]]]) -> None:
        for pk, (entry, rows) in batch.items():
            before = [(row.kind, _growing(row.data) if row.kind in {"text", "reasoning"} else row.data) for row in rows]
            entry.lines = before + entry.lines
            self.dirty.add(pk)


def _growing(data: dict[str, Any]) -> list[str]:
    within = data.get("within")
    return Said(data["text"], within, data["by"]) if within else [data["text"]]


def _show(written: list[tuple[Entry, list[Row]]]) -> None:
    """Publish what was written."""
    for entry, rows in written:
        for row in rows:
            entry.buffer.take(row.seq, row.kind, row.data)
    pubsub.publish(*(f"draft:{entry.buffer.session_pk}" for entry, _ in written))


def _store(runs: dict[int, tuple[int, int]], rows: list[Row]) -> set[int]:
    """Insert the rows of the runs that are still ours: running, under our attempt. Returns those runs.

    ``runs``: the attempt and the session of each. Other processes, where there can be any, are told which of them grew.
    """
    with transaction.atomic():
        current = {pk for pk, attempt in _running(sorted(runs)) if runs[pk][0] == attempt}
        insert_all(RunEvent, (row for row in rows if row.run_id in current))
        if current:
            pubsub.tell_others(*(f"grown#{runs[pk][1]}.{pk}" for pk in current))
    return current


def _running(pks: list[int]) -> Iterable[tuple[int, int]]:
    """Those of the runs that are running, with their attempts, held for this transaction."""
    places = 1 << (len(pks) - 1).bit_length()
    return _running_of(places).rows(*pks, *[pks[-1]] * (places - len(pks)))


@cache
def _running_of(places: int) -> Query[Run]:
    """For so many runs: a power of two, of which there are few."""
    running = Run.objects.select_for_update().filter(status=Run.Status.RUNNING).order_by("pk").values_list("pk", "attempt")
    return Query(lambda *pks: running.filter(pk__in=pks), *[int] * places)
