"""Short database work on the event loop itself, where its database is SQLite in this process.

Every statement lets go of the interpreter, so a thread that asks ten things gives it away ten times to a loop that is busy, and
has to get it back ten times: this cost more than all the work. On the loop nobody else wants it. But there nothing may wait,
not for a lock and not for a slow disk: then the work is left to a thread.
"""

from collections.abc import Callable
from functools import cache, partial
from time import perf_counter, thread_time
from typing import Any, TypeVar

from django.db import connections

from agentos.core import loops
from agentos.core.sqlite.base import WouldWait

T = TypeVar("T")

LONG = 0.02  # seconds for a piece of work, on average, after which the loop does none for a while
WHILE = 5.0  # seconds
WEIGHT = 0.2  # of the newest in the average
HICCUP = 3 * LONG  # seconds: more does not count, so that a single one, as long as it may be, is no slow disk


class Pace:
    """How long a piece of what is done at once takes lately."""

    def __init__(self) -> None:
        self.average = 0.0
        self.again_at = 0.0

    def is_good(self, now: float) -> bool:
        return now >= self.again_at

    def note(self, took: float, now: float, *, worked: float = 0.0, pieces: int = 1) -> None:
        """``worked``: how much of it was work, and not waiting. Pieces share the work among them; each waits as long as all."""
        for_each = took - worked + worked / pieces
        self.average += WEIGHT * (min(for_each, HICCUP) - self.average)
        if self.average > LONG:
            self.again_at, self.average = now + WHILE, 0.0


pace = Pace()


def at_once(work: Callable[[], T], pieces: int = 1) -> T:
    """Do short work, which may write, on the loop that runs in this thread. Raises WouldWait where it has to be done in a thread.

    ``pieces``: that are done in one transaction.
    """
    if not is_sqlite() or not pace.is_good(began := perf_counter()):
        raise WouldWait
    worked = thread_time()
    try:
        return loops.put_by(partial(_without_waiting, work))
    finally:
        now = perf_counter()
        pace.note(now - began, now, worked=thread_time() - worked, pieces=pieces)


def _without_waiting(work: Callable[[], T]) -> T:
    connection: Any = connections["default"]
    with connection.without_waiting():
        return work()


@cache
def is_sqlite() -> bool:
    return loops.put_by(lambda: connections["default"].vendor == "sqlite")
