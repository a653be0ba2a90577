"""The dispatcher: a task of the server that sends the deliveries that are due, several at a time, until the server stops."""

import asyncio
import contextlib
import logging
from datetime import datetime

import httpx2

from agentos.core import clock, db
from agentos.core.pubsub import loops, pubsub
from agentos.webhooks.outbound import results, sender, wakeup
from agentos.webhooks.outbound.results import Due
from agentos.webhooks.outbound.subscriptions import subscribed

log = logging.getLogger(__name__)

ROUND_SECONDS = 5.0  # at most: another process may have died over something, or could not be heard
AT_ONCE = 16  # requests of this process
HEARING_SECONDS = 3600.0  # of one wait for the others; it goes on at once
TIDY_EVERY = 3600.0  # seconds
STOP_SECONDS = 2.0  # that requests under way get to finish


class Dispatcher:
    """``start`` and ``stop`` belong to the server's lifespan. Several processes may each have one: a delivery is claimed by one."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.client: httpx2.AsyncClient | None = None
        self.woken = asyncio.Event()
        self.rounds: asyncio.Task[None] | None = None
        self.hearing: asyncio.Task[None] | None = None
        self.in_flight: dict[asyncio.Task[None], Due] = {}
        self.tidied = float("-inf")

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        wakeup.use(self.wake)
        self.hearing = asyncio.create_task(self._hear())
        self.rounds = asyncio.create_task(self._go_round())

    async def stop(self, grace: float = STOP_SECONDS) -> None:
        """Begin nothing more. Requests that do not end in time are let go of, and due again at once."""
        wakeup.use(None)
        for task in (self.hearing, self.rounds):
            if task:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self.in_flight:
            await asyncio.wait(self.in_flight, timeout=grace)
        for task in self.in_flight:
            task.cancel()
        await asyncio.gather(*self.in_flight, return_exceptions=True)
        if self.client:
            await self.client.aclose()

    def is_alive(self) -> bool:
        return self.rounds is not None and not self.rounds.done()

    def wake(self) -> None:
        """From any thread."""
        if self.loop:
            loops.call_soon(self.loop, self.woken.set)

    async def _hear(self) -> None:
        """Of what processes store that send nothing themselves."""
        with pubsub.subscribe(wakeup.TOPIC) as told:
            while True:
                if await told.wait(HEARING_SECONDS):
                    self.woken.set()

    async def _go_round(self) -> None:
        while True:
            seconds = ROUND_SECONDS
            try:
                seconds = await self._round()
            except Exception:
                log.exception("Webhooks could not be sent now; the dispatcher tries again.")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.woken.wait()

    async def _round(self) -> float:
        """Set out with all that is due and has room; return how long the next round may wait."""
        self.woken.clear()
        assert self.loop
        await db.read(subscribed.ask)
        if self.loop.time() - self.tidied >= TIDY_EVERY:
            self.tidied = self.loop.time()
            while await db.write(results.forget_old) == results.BATCH:
                pass  # others may write between two batches
        ready, next_at = await db.read(results.due, AT_ONCE - len(self.in_flight), list(self.in_flight.values()))
        if ready and self.client is None:
            self.client = await asyncio.to_thread(sender.new_client)
        for one in ready:
            if self.client:
                task = asyncio.create_task(self._deliver(one, self.client))
                self.in_flight[task] = one
                task.add_done_callback(self._done)
        return _until(next_at)

    async def _deliver(self, one: Due, client: httpx2.AsyncClient) -> None:
        delivery = await db.write(results.claim, one)
        if delivery is None:
            return
        try:
            outcome = await sender.send(client, delivery)
        except asyncio.CancelledError:
            await db.write(results.give_back, delivery)
            raise
        await db.write(results.record_outcome, delivery, outcome)

    def _done(self, task: "asyncio.Task[None]") -> None:
        del self.in_flight[task]
        self.woken.set()  # there is room again
        if not task.cancelled() and task.exception():
            log.error("A webhook could not be sent; it is due again when its lease is over.", exc_info=task.exception())


def _until(next_at: datetime | None) -> float:
    if next_at is None:
        return ROUND_SECONDS
    return min(max((next_at - clock.now()).total_seconds(), 0.05), ROUND_SECONDS)
