"""One timer for the tokens of all scripted models, each at its own time. A timer for each would cost more than the token, and a
measurement of the server would count it as the server's."""

import asyncio
from asyncio import AbstractEventLoop, Future, TimerHandle
from heapq import heappop, heappush

TICKS = 1000  # in a second: no timer is more exact


class Clock:
    """Of one event loop. ``waiting``: the futures by the millisecond of the loop's time when they are over; ``next``: a heap of these."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[int, list[Future[None]]] = {}
        self.next: list[int] = []
        self.timer: TimerHandle | None = None

    def until(self, moment: float) -> "Future[None]":
        """Return what to await: it is over at ``moment``, in the loop's time."""
        over: Future[None] = self.loop.create_future()
        tick = int(moment * TICKS)
        if together := self.waiting.get(tick):
            together.append(over)
            return over
        self.waiting[tick] = [over]
        heappush(self.next, tick)
        if self.next[0] == tick:
            self._set()
        return over

    def _set(self) -> None:
        """The timer to whoever is next."""
        if self.timer:
            self.timer.cancel()
        self.timer = self.loop.call_at(self.next[0] / TICKS, self._on_timer) if self.next else None

    def _on_timer(self) -> None:
        now = self.loop.time() * TICKS + 1
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
