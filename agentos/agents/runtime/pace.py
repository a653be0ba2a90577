"""The clock of the scripted models: every token at its own time, by one timer for all of them. A timer costs more than a token, and
what a model costs that is none would be counted as the server's."""

import asyncio
from asyncio import AbstractEventLoop, Future, TimerHandle
from heapq import heappop, heappush

GRAINS = 1000  # of a second: no timer is more exact


class Clock:
    """Of one loop. ``waiting``: whoever waits, by the grain of the loop's time in which he does; ``next``: a heap of these grains."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[int, list[Future[None]]] = {}
        self.next: list[int] = []
        self.timer: TimerHandle | None = None

    def until(self, moment: float) -> "Future[None]":
        """Return what to await: it is over at ``moment``, in the loop's time."""
        over: Future[None] = self.loop.create_future()
        grain = int(moment * GRAINS)
        if together := self.waiting.get(grain):
            together.append(over)
            return over
        self.waiting[grain] = [over]
        heappush(self.next, grain)
        if self.next[0] == grain:
            self._set()
        return over

    def _set(self) -> None:
        """The timer to whoever is next."""
        if self.timer:
            self.timer.cancel()
        self.timer = self.loop.call_at(self.next[0] / GRAINS, self._strike) if self.next else None

    def _strike(self) -> None:
        now = self.loop.time() * GRAINS + 1
        while self.next and self.next[0] <= now:
            for over in self.waiting.pop(heappop(self.next)):
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
