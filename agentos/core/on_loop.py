"""Short database work on the event loop itself, where its database is SQLite in this process.

Every statement lets go of the interpreter, so a thread that asks ten things gives it away ten times to a loop that is busy, and
has to get it back ten times: this cost more than all the work. On the loop nobody else wants it. But there nothing may wait,
not for a lock and not for a slow disk: then the work is left to a thread. And a hundred requests at once must not stop what flows.
"""

import asyncio
from collections.abc import Callable
from functools import cache, partial
from time import perf_counter
from typing import Any, TypeVar

from django.db import connections

from agentos.core import loops
from agentos.core.sqlite.base import WouldWait

T = TypeVar("T")

LONG = 0.02  # seconds of work, on average, after which the loop does none for a while
WHILE = 5.0  # seconds
STRETCH = 0.05  # seconds of work that comes in, before those who wait for the loop are let through
REST = 0.5  # of it, for them
WEIGHT = 0.2  # of the newest in the average
HICCUP = 3 * LONG  # seconds: more does not count, so that a single one, as long as it may be, is no slow disk


class Pace:
    """How long what is done at once takes lately."""

    def __init__(self) -> None:
        self.average = 0.0
        self.again_at = 0.0

    def is_good(self, now: float) -> bool:
        return now >= self.again_at

    def note(self, began: float, now: float) -> None:
        self.average += WEIGHT * (min(now - began, HICCUP) - self.average)
        if self.average > LONG:
            self.again_at, self.average = now + WHILE, 0.0


class Share:
    """How much of the loop's time goes to short work that comes in from outside: answers that grow have a right to theirs."""

    def __init__(self) -> None:
        self.worked = 0.0  # without a rest
        self.began = self.until = 0.0
        self.again_at = 0.0

    async def __aenter__(self) -> None:
        """Wait as long as it is the others' turn. No ``await`` in the block: then nobody else works in it."""
        while (wait := self.again_at - perf_counter()) > 0:  # noqa: ASYNC110 - nobody tells when it is over
            await asyncio.sleep(wait)
        self.began = perf_counter()

    async def __aexit__(self, *_: object) -> None:
        self.note(self.began, perf_counter())

    def note(self, began: float, now: float) -> None:
        self.worked = max(0.0, self.worked - (began - self.until)) + now - began
        self.until = now
        if self.worked > STRETCH:
            self.again_at, self.worked = now + REST * self.worked, 0.0


pace = Pace()
share = Share()


def at_once(work: Callable[[], T]) -> T:
    """Do short work, which may write, on the loop that runs in this thread. Raises WouldWait where it has to be done in a thread."""
    if not is_sqlite() or not pace.is_good(began := perf_counter()):
        raise WouldWait
    try:
        return loops.put_by(partial(_without_waiting, work))
    finally:
        pace.note(began, perf_counter())


def _without_waiting(work: Callable[[], T]) -> T:
    connection: Any = connections["default"]
    with connection.without_waiting():
        return work()


@cache
def is_sqlite() -> bool:
    return loops.put_by(lambda: connections["default"].vendor == "sqlite")
