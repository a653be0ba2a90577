"""The embedded engine: drives the runs of this process on the server's event loop, and reaps orphaned ones."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any

from django.db import DatabaseError

from agentos.agents.events import Interrupted
from agentos.chat.callers import CHECK_SECONDS
from agentos.chat.models import Run
from agentos.chat.runs import dispatch, entitlement, reaper
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.entitlement import RunRights
from agentos.chat.runs.journal import Journal
from agentos.chat.runs.run_task import LEASE, RunTask
from agentos.chat.runs.summing import Summing
from agentos.chat.runs.titling import Titling
from agentos.core import db
from agentos.core.db import outage
from agentos.core.pubsub import loops, pubsub

log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
LEASE_EVERY = 5.0  # seconds between two signs of life
SWEEP_EVERY = 15.0
DEAD_SECONDS = 15.0  # without a look at the runs
LISTEN_SECONDS = 60.0  # that nothing may be heard
LET_GO_SECONDS = 5.0  # that interrupted runs get to be written down
SETTLE_SECONDS = 2 * LEASE_EVERY  # after a database was away: until whoever lives has renewed its leases


class Engine:
    """``start`` and ``stop`` belong to the server's lifespan; what a dispatcher does may be called from any thread.

    ``alone``: no other process can drive runs of this database, so those that are marked as running when it starts have died. Otherwise
    they have died when their lease is over. ``most``: how many runs it drives at once; None: all that there are.
    """

    def __init__(self, *, alone: bool = False, most: int | None = None) -> None:
        self.alone = alone
        self.most = most
        self.trusts_leases_at = 0.0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.journal = Journal()
        self.run_tasks: dict[int, RunTask] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.titling = Titling()
        self.summing = Summing()
        self.stopping = False
        self.looked_at = 0.0  # when it last looked at its runs, by the loop's clock

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.looked_at = self.loop.time()
        dispatch.use(self)
        self._spawn(self.journal.write_forever())
        for run in await db.write(reaper.reap_orphans, everything=self.alone, lease=LEASE):
            self._spawn(self._drive(run))
        self._spawn(self._watch())
        self._spawn(self._sweep())
        self._spawn(self._watch_rights())
        self._spawn(self._listen())
        await self._take_what_waits()

    async def stop(self, grace: float) -> None:
        """Give running answers ``grace`` seconds to end by themselves, then interrupt them, keeping their text."""
        self.stopping = True
        running = [drive.task for drive in self.run_tasks.values() if drive.task]
        if running:
            await asyncio.wait(running, timeout=grace)
        for drive in list(self.run_tasks.values()):
            drive.cancel(Interrupted())
        running = [drive.task for drive in self.run_tasks.values() if drive.task]
        if running:
            await asyncio.wait(running, timeout=LET_GO_SECONDS)
        dispatch.use(dispatch.NoDispatcher())
        for task in self.tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def is_alive(self) -> bool:
        """Whether it has looked at its runs lately. Asked on its loop."""
        return self.loop is not None and not self.stopping and self.loop.time() - self.looked_at < DEAD_SECONDS

    def lease(self) -> timedelta | None:
        return None if self.stopping else LEASE

    def drive(self, run: Run) -> None:
        if self.loop:
            loops.call_soon(self.loop, lambda: self._spawn(self._drive(run)))

    def wake(self, session_pk: int) -> None:
        if self.loop:
            loops.call_soon(self.loop, lambda: self._spawn(self.take(session_pk)))

    def cancel(self, run_pk: int) -> None:
        if self.loop:
            loops.call_soon(self.loop, self._let_go, run_pk)

    def _let_go(self, run_pk: int) -> None:
        if drive := self.run_tasks.get(run_pk):
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

    async def _take_what_waits(self) -> None:
        """Also what nobody has told of: its process died, or a notice was lost."""
        for session_pk in (await db.read(reaper.sessions_with_queued_runs))[: self._room()]:
            self._spawn(self.take(session_pk))

    def _room(self) -> int:
        return reaper.BATCH if self.most is None else max(0, self.most - len(self.run_tasks))

    async def take(self, session_pk: int) -> None:
        """Claim the next queued run of the session, if none is active, and drive it."""
        if self.stopping:
            return
        run = await db.write(claim_next, session_pk, LEASE)
        if run is not None:
            await self._drive(run)

    async def _drive(self, run: Run) -> None:
        drive = self.run_tasks[run.pk] = RunTask(run, self.journal)
        drive.task = asyncio.current_task()
        try:
            await drive.go()
        finally:
            del self.run_tasks[run.pk]
        if self.titling.is_due(run, drive.end) and not self.stopping:
            self._spawn(self.titling.give(run))
        if drive.is_long and self.summing.is_due(run, drive.end) and not self.stopping:
            self._spawn(self.summing.give(run))

    async def _watch(self) -> None:
        """End runs that are silent or slow, and renew the leases of the others."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.looked_at = now = loop.time()
            for drive in list(self.run_tasks.values()):
                if failure := drive.overdue(now):
                    drive.cancel(failure)
            if now - renewed >= LEASE_EVERY and self.run_tasks:
                renewed = now
                try:
                    mine = self._mine()
                    self._keep(mine, await db.write(reaper.renew_leases, mine, LEASE))
                except Exception:  # noqa: BLE001 - a database that is away: the next renewal is soon enough
                    self._database_was_away()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                trusts_leases = asyncio.get_running_loop().time() >= self.trusts_leases_at
                lease = None if self.stopping else LEASE
                for run in await db.write(reaper.sweep, self._mine(), trusts_leases=trusts_leases, lease=lease):
                    self._spawn(self._drive(run))
                await self._take_what_waits()
            except Exception:
                log.exception("The reaper could not work; it tries again.")
                self._database_was_away()

    async def _listen(self) -> None:
        """Do what other processes tell: take a message that waits, let go of a run that was stopped there."""
        with pubsub.subscribe("queue", "run") as subscription:
            while True:
                heard = [topic.partition("#") for topic in await subscription.wait(LISTEN_SECONDS)]
                try:
                    await self._look(heard)
                except DatabaseError as error:
                    outage.note(error)  # renewing the leases and sweeping find the same
                except Exception:
                    log.exception("What another process told could not be done.")

    async def _look(self, heard: list[tuple[str, str, str]]) -> None:
        """A topic without a number: something may have been missed, so look at all there is."""
        for kind, _, session_pk in heard:
            if kind == "queue" and session_pk and self._room():
                self._spawn(self.take(int(session_pk)))
        if ("queue", "", "") in heard:
            await self._take_what_waits()
        runs = self._mine()
        if ("run", "", "") not in heard:
            runs = {int(pk): runs[int(pk)] for kind, _, pk in heard if kind == "run" and pk and int(pk) in runs}
        if runs:
            self._keep(runs, await db.read(reaper.still_driven, runs))

    def _keep(self, asked: Mapping[int, int], still_mine: set[int]) -> None:
        """Let go of those that were asked about and are not ours any more."""
        for pk in asked.keys() - still_mine:
            drive = self.run_tasks.get(pk)
            if drive and drive.run.attempt == asked[pk] and not drive.is_ending:
                drive.cancel(None)

    def _mine(self) -> dict[int, int]:
        return {pk: drive.run.attempt for pk, drive in self.run_tasks.items()}

    def _database_was_away(self) -> None:
        """Nobody could renew a lease meanwhile: one that is over says nothing for a while."""
        self.trusts_leases_at = asyncio.get_running_loop().time() + SETTLE_SECONDS

    async def _watch_rights(self) -> None:
        """Stop the runs whose person may not have them answered any more."""
        run_rights = RunRights()
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                if run_rights.is_behind():
                    await db.write(run_rights.end_of_time)
                for run_pk, code in await db.read(run_rights.lost):
                    await db.write(entitlement.stop, run_pk, code)
            except DatabaseError as error:
                outage.note(error)
                run_rights.version = entitlement.UNKNOWN
            except Exception:
                log.exception("Rights to runs could not be checked; they are checked again.")
                run_rights.version = entitlement.UNKNOWN
