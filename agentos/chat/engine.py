"""The embedded engine: drives the runs of this process on the server's own loop, and ends what died."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from agentos.agents.events import Interrupted
from agentos.chat import dispatch, sweeper
from agentos.chat.claiming import claim_next
from agentos.chat.journal import Journal
from agentos.chat.models import Run
from agentos.chat.runner import LEASE, Drive
from agentos.core import db, loops

log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
LEASE_EVERY = 5.0  # seconds between two signs of life
SWEEP_EVERY = 15.0


class Engine:
    """``start`` and ``stop`` belong to the server's lifespan; what a dispatcher does may be called from any thread."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.journal = Journal()
        self.drives: dict[int, Drive] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping = False

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        dispatch.use(self)
        await db.write(sweeper.interrupt_orphans, everything=True)
        self._spawn(self.journal.write_forever())
        self._spawn(self._watch())
        self._spawn(self._sweep())
        for session_pk in await db.read(sweeper.sessions_with_queued_runs):
            self._spawn(self._take(session_pk))

    async def stop(self, grace: float) -> None:
        """Give running answers ``grace`` seconds to end by themselves, then interrupt them, keeping their text."""
        self.stopping = True
        running = [drive.task for drive in self.drives.values() if drive.task]
        if running and grace > 0:
            await asyncio.wait(running, timeout=grace)
        for drive in list(self.drives.values()):
            drive.cancel(Interrupted())
        running = [drive.task for drive in self.drives.values() if drive.task]
        if running:
            await asyncio.wait(running, timeout=5)
        dispatch.use(dispatch.NoDispatcher())
        for task in self.tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def lease(self) -> timedelta | None:
        return None if self.stopping else LEASE

    def drive(self, run: Run) -> None:
        if self.loop:
            loops.tell(self.loop, lambda: self._spawn(self._drive(run)))

    def wake(self, session_pk: int) -> None:
        if self.loop:
            loops.tell(self.loop, lambda: self._spawn(self._take(session_pk)))

    def cancel(self, run_pk: int) -> None:
        if self.loop:
            loops.tell(self.loop, self._let_go, run_pk)

    def _let_go(self, run_pk: int) -> None:
        if drive := self.drives.get(run_pk):
            drive.cancel(None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("A task of the engine broke.", exc_info=task.exception())

    async def _take(self, session_pk: int) -> None:
        """Claim the next queued run of the session, if none is active, and drive it."""
        if self.stopping:
            return
        run = await db.write_together(claim_next, session_pk, LEASE)
        if run is not None:
            await self._drive(run)

    async def _drive(self, run: Run) -> None:
        drive = self.drives[run.pk] = Drive(run, self.journal)
        drive.task = asyncio.current_task()
        try:
            await drive.go()
        finally:
            del self.drives[run.pk]

    async def _watch(self) -> None:
        """End runs that are silent or slow, and renew the leases of the others."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = loop.time()
            for drive in list(self.drives.values()):
                if failure := drive.overdue(now):
                    drive.cancel(failure)
            if now - renewed >= LEASE_EVERY and self.drives:
                renewed = now
                with contextlib.suppress(Exception):  # a database that is away: the next renewal is soon enough
                    await db.write(sweeper.renew_leases, list(self.drives), LEASE)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await db.write(sweeper.sweep)
                for session_pk in await db.read(sweeper.sessions_with_queued_runs):
                    self._spawn(self._take(session_pk))
            except Exception:
                log.exception("The sweeper could not work; it tries again.")
