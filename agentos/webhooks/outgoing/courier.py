"""The courier: a task of the server that brings what is due, several at a time, until the server stops."""

import asyncio
import contextlib
import logging
from collections import Counter
from datetime import datetime

import httpx2

from agentos.core import clock, db, loops
from agentos.webhooks.outgoing import mail, results, sender, waking
from agentos.webhooks.outgoing.listening import listening
from agentos.webhooks.outgoing.results import Due

log = logging.getLogger(__name__)

ROUND_SECONDS = 5.0  # at most: other processes may have stored something, or died over it
AT_ONCE = 16  # requests of this process
TIDY_EVERY = 3600.0  # seconds
STOP_SECONDS = 2.0  # that requests under way get to finish


class Courier:
    """``start`` and ``stop`` belong to the server's lifespan. Several processes may each have one: a delivery is claimed by one."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.client: httpx2.AsyncClient | None = None
        self.rung = asyncio.Event()
        self.rounds: asyncio.Task[None] | None = None
        self.flying: dict[asyncio.Task[None], Due] = {}
        self.tidied = float("-inf")

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        waking.use(self.wake)
        self.rounds = asyncio.create_task(self._go_round())

    async def stop(self, grace: float = STOP_SECONDS) -> None:
        """Begin nothing more. Requests that do not end in time are let go of, and due again at once."""
        waking.use(None)
        if self.rounds:
            self.rounds.cancel()
            await asyncio.gather(self.rounds, return_exceptions=True)
        if self.flying:
            await asyncio.wait(self.flying, timeout=grace)
        for task in self.flying:
            task.cancel()
        await asyncio.gather(*self.flying, return_exceptions=True)
        if self.client:
            await self.client.aclose()

    def wake(self) -> None:
        """From any thread."""
        if self.loop:
            loops.tell(self.loop, self.rung.set)

    async def _go_round(self) -> None:
        while True:
            seconds = ROUND_SECONDS
            try:
                seconds = await self._round()
            except Exception:
                log.exception("Webhooks could not be sent now; the courier tries again.")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.rung.wait()

    async def _round(self) -> float:
        """Set out with all that is due and has room; return how long the next round may wait."""
        self.rung.clear()
        assert self.loop
        await db.read(listening.ask)
        if self.loop.time() - self.tidied >= TIDY_EVERY:
            self.tidied = self.loop.time()
            await db.write(results.forget_old)
        flying = Counter(one.endpoint_pk for one in self.flying.values())
        ready, next_at = await db.read(results.due, AT_ONCE - len(self.flying), flying)
        if ready and self.client is None:
            self.client = await asyncio.to_thread(sender.new_client)
        under_way = {one.pk for one in self.flying.values()}
        for one in ready:
            if self.client and one.pk not in under_way:
                task = asyncio.create_task(self._bring(one, self.client))
                self.flying[task] = one
                task.add_done_callback(self._landed)
        return _until(next_at)

    async def _bring(self, one: Due, client: httpx2.AsyncClient) -> None:
        delivery = await db.write(results.claim, one)
        if delivery is None:
            return
        try:
            outcome = await sender.send(client, delivery)
        except asyncio.CancelledError:
            await db.write(results.give_back, delivery)
            raise
        if off := await db.write(results.write_down, delivery, outcome):
            await mail.tell(off)

    def _landed(self, task: "asyncio.Task[None]") -> None:
        del self.flying[task]
        self.rung.set()  # there is room again
        if not task.cancelled() and task.exception():
            log.error("A webhook could not be sent; it is due again when its lease is over.", exc_info=task.exception())


def _until(next_at: datetime | None) -> float:
    if next_at is None:
        return ROUND_SECONDS
    return min(max((next_at - clock.now()).total_seconds(), 0.05), ROUND_SECONDS)
