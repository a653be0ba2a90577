"""The clock of the scripted models: every token at its own time, by one timer for all of them. A timer costs more than a token, and
what a model costs that is none would be counted as the server's."""

import asyncio
from asyncio import AbstractEventLoop, Future, TimerHandle
from heapq import heappop, heappush
from itertools import count

GRAIN = 0.001  # seconds: no timer is more exact


class Clock:
    """Of one loop. ``waiting`` is a heap: the moment, a number that keeps the order, and whoever waits for it."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: list[tuple[float, int, Future[None]]] = []
        self.numbers = count()
        self.timer: TimerHandle | None = None

    def until(self, moment: float) -> "Future[None]":
        """Return what to await: it is over at ``moment``, in the loop's time."""
        over: Future[None] = self.loop.create_future()
        heappush(self.waiting, (moment, next(self.numbers), over))
        if self.waiting[0][2] is over:
            self._set()
        return over

    def _set(self) -> None:
        """The timer to whoever is next."""
        if self.timer:
            self.timer.cancel()
        self.timer = self.loop.call_at(self.waiting[0][0], self._strike) if self.waiting else None

    def _strike(self) -> None:
        now = self.loop.time() + GRAIN
        while self.waiting and self.waiting[0][0] <= now:
            over = heappop(self.waiting)[2]
            if not over.done():  # cancelled: nobody waits any more
                over.set_result(None)
        self._set()


class _Clocks:
    """The clock of the loop that asked last: a server has one. One that is left goes on for those who wait by it."""

    last: Clock | None = None


def clock() -> Clock:
    """Return the clock of the loop that runs here."""
    loop = asyncio.get_running_loop()
    if _Clocks.last is None or _Clocks.last.loop is not loop:
        _Clocks.last = Clock(loop)
    return _Clocks.last
