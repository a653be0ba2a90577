"""Mirrors: the live buffers of runs that other processes drive, for the readers of this one.

A mirror is filled from the run's journal, for all its readers and together with all other mirrors in one query: when another process tells
that the journal grew, and now and then. Only on PostgreSQL: SQLite has one process.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import DatabaseError, connection

from agentos.chat.live.buffer import LiveBuffer, live_buffers
from agentos.chat.models import Run
from agentos.core import db
from agentos.core.db import outage
from agentos.core.pubsub import pubsub

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # between two looks at all mirrors, whatever was heard
GREW = "grown"

# The runs that are asked about, each with the lines that a mirror does not have yet, or with one row of nothing.
NEW_LINES = """
SELECT run.id, run.session_id, run.turn, run.attempt, event.seq, event.kind, event.data
FROM unnest(%s::bigint[], %s::int[]) AS asked (run, seq)
JOIN chat_run run ON run.id = asked.run AND run.status = %s
LEFT JOIN chat_runevent event ON event.run_id = run.id AND event.seq > asked.seq
ORDER BY run.id, event.seq
"""


class Line(NamedTuple):
    seq: int
    kind: str
    data: dict[str, Any]


class Read(NamedTuple):
    """What the database says of a run that is running."""

    run: Run
    lines: list[Line]


class Mirrors:
    """Used on the server's loop alone. ``start`` and ``stop`` belong to the server's lifespan; before, there are none."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.reading = asyncio.Lock()

    def start(self) -> None:
        self.task = asyncio.create_task(self._follow_forever())

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self.task = None
        live_buffers.mirrors.clear()

    async def _follow_forever(self) -> None:
        missed: set[str] = set()
        with pubsub.subscribe(GREW) as subscription:
            while True:
                heard = missed | await subscription.wait(outage.AGAIN_SECONDS if missed else LOOK_SECONDS)
                missed = set()
                try:
                    await self._catch_up(self._wanted(heard))
                except DatabaseError as error:
                    outage.note(error)
                    missed = heard | {GREW}
                except Exception:
                    log.exception("The runs of other processes could not be read; trying again.")

    def _wanted(self, heard: set[str]) -> dict[int, int]:
        """The runs to read, with their sessions: those that somebody here follows. Without a run in what was heard: all mirrors."""
        wanted = {}
        for topic in heard:
            session, _, run = topic.partition("#")[2].partition(".")
            if run and pubsub.has_subscribers(f"draft:{session}"):
                wanted[int(run)] = int(session)
        if not heard or GREW in heard:
            self._forget_unread()
            wanted |= {buffer.run_pk: session for session, buffer in live_buffers.mirrors.items()}
        return wanted

    def _forget_unread(self) -> None:
        for session in [session for session in live_buffers.mirrors if not pubsub.has_subscribers(f"draft:{session}")]:
            del live_buffers.mirrors[session]

    async def open(self, session_pk: int, run_pk: int) -> LiveBuffer | None:
        """Return the mirror of a run that a reader has met, with all that the journal has. None: nothing runs elsewhere."""
        if self.task is None:
            return None
        await self._catch_up({run_pk: session_pk})
        return live_buffers.of_session(session_pk)

    async def _catch_up(self, wanted: Mapping[int, int]) -> None:
        """Read what is new of these runs, and publish it here."""
        async with self.reading:
            asked = {run: self._seq_of(session, run) for run, session in wanted.items() if session not in live_buffers.by_session}
            if not asked:
                return
            found = await db.read(read, asked)
            for run_pk in asked.keys() - found.keys():  # it has ended, or waits: its turn says all there is
                if (mirror := live_buffers.mirrors.get(wanted[run_pk])) and mirror.run_pk == run_pk:
                    del live_buffers.mirrors[wanted[run_pk]]
            grown = [session for run_pk, session in wanted.items() if run_pk in found and self._take(found[run_pk])]
        pubsub.publish(*(f"draft:{session}" for session in grown))

    def _seq_of(self, session_pk: int, run_pk: int) -> int:
        mirror = live_buffers.mirrors.get(session_pk)
        return mirror.seq if mirror and mirror.run_pk == run_pk else 0

    def _take(self, read: Read) -> bool:
        mirror = live_buffers.mirrors.get(read.run.session_id)
        if mirror is None or mirror.run_pk != read.run.pk:
            mirror = live_buffers.mirrors[read.run.session_id] = LiveBuffer(read.run)
        for line in read.lines:
            mirror.take(*line)
        return bool(read.lines)


def read(asked: Mapping[int, int]) -> dict[int, Read]:
    """Those of the runs that are running, with the lines of their journals after the number that is asked for."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_LINES, [list(asked), list(asked.values()), Run.Status.RUNNING])
        rows = cursor.fetchall()
    lines: dict[int, list[Line]] = defaultdict(list)
    runs: dict[int, Run] = {}
    for pk, session, turn, attempt, seq, kind, data in rows:
        runs[pk] = runs.get(pk) or Run(pk=pk, session_id=session, turn=turn, attempt=attempt)
        if seq is not None:
            lines[pk].append(Line(seq, kind, json.loads(data)))
    return {pk: Read(run, lines[pk]) for pk, run in runs.items()}


mirrors = Mirrors()
