"""Short requests that write, a hundred at once perhaps: on the loop, a few in one transaction, and never so many that what flows
there stops."""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import ParamSpec, TypeVar

from agentos.core import db, together

P = ParamSpec("P")
T = TypeVar("T")

STRETCH = 0.05  # seconds of work, before those who wait for the loop are let through
TURNS = 16  # of the loop, for them: about as many as an answer takes from its message to its first word in a tab


class Burst:
    """What has come in and was not begun. ``called``: the loop that will begin it."""

    def __init__(self) -> None:
        self.waiting: together.Waiting = []
        self.called: AbstractEventLoop | None = None
        self.worked = 0.0  # seconds, since the others had their turns

    async def take(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` on the loop, perhaps in one transaction with others. Raises WouldWait when it has to be done in a thread
        instead: nothing of it is stored then, but what it only counted is counted."""
        loop = asyncio.get_running_loop()
        future: Future[T] = loop.create_future()
        self.waiting.append((partial(work, *args, **kwargs), future))
        if self.called is not loop:  # nor one that was closed before it came to it
            self.called = loop
            loop.call_soon(self._begin, loop)
        return await future

    def _begin(self, loop: AbstractEventLoop) -> None:
        began = perf_counter()
        taken, self.waiting = self.waiting[: db.MOST_AT_ONCE], self.waiting[db.MOST_AT_ONCE :]
        together.leave_out_given_up(taken)
        db.at_once_together(taken)
        for _, future in taken:
            together.give(future, error=db.WouldWait())
        self.worked += perf_counter() - began
        if self.worked < STRETCH:
            self._go_on(loop, 1)
        else:
            self._go_on(loop, TURNS)
            self.worked = 0.0

    def _go_on(self, loop: AbstractEventLoop, turns: int) -> None:
        """After so many turns of the loop. Where nobody else has anything to do, they take no time."""
        if not self.waiting:
            self.called, self.worked = None, 0.0
        elif turns:
            loop.call_soon(self._go_on, loop, turns - 1)
        else:
            self._begin(loop)


burst = Burst()
