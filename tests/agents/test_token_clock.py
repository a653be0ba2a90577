"""The pace of the scripted models, on a clock of its own: nobody waits for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from agentos.agents.runtime.scripted import ScriptedModel
from agentos.agents.runtime.token_clock import TICKS, Clock, clock
from agentos.agents.scripts import Script


class Skipping(asyncio.SelectorEventLoop):
    """A loop whose time goes on by itself whenever there is nothing to do but to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def times(tokens: int, ms: int, *, work: float = 0) -> list[float]:
    """When each token came, for a reader that is busy for ``work`` seconds after each of them."""

    async def read() -> list[float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Skipping)
        came = []
        async for piece in ScriptedModel(script=Script("words", tokens=tokens, ms=ms)).ainvoke_stream(messages=[]):
            if piece.content:
                came.append(loop.now)
                loop.now += work
        return came

    factory: Callable[[], asyncio.AbstractEventLoop] = Skipping
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(read())


class TestPace:
    def test_begins_at_once(self) -> None:
        assert times(2, 400_000)[0] == 0

    def test_is_kept_though_the_reader_is_slow(self) -> None:
        """What the reader does between two tokens is not added to the pause."""
        assert times(20, 20, work=0.015) == pytest.approx([number * 0.02 for number in range(20)])

    def test_does_not_hurry_because_a_token_was_late(self) -> None:
        assert times(3, 20, work=0.05) == pytest.approx([0, 0.05, 0.1])


class TestClock:
    def run(self, work: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
        async def begin() -> None:
            await work(clock())

        with asyncio.Runner(loop_factory=Skipping) as runner:
            runner.run(begin())

    def test_strikes_for_everybody_at_their_time(self) -> None:
        came: list[tuple[float, float]] = []

        async def wait(clock: Clock, moment: float) -> None:
            await clock.until(moment)
            came.append((moment, clock.loop.time()))

        async def work(clock: Clock) -> None:
            await asyncio.gather(*(wait(clock, moment) for moment in (5.0, 1.0, 3.0, 3.0, 1.0 + 0.5 / TICKS)))
            await wait(clock, 4.0)

        self.run(work)
        assert [moment for moment, _ in came] == [1.0, 1.0 + 0.5 / TICKS, 3.0, 3.0, 5.0, 4.0]
        assert [now for _, now in came] == pytest.approx([1.0, 1.0, 3.0, 3.0, 5.0, 5.0])

    def test_does_not_mind_who_has_gone(self) -> None:
        async def work(clock: Clock) -> None:
            gone, here = clock.until(1.0), clock.until(2.0)
            gone.cancel()
            await here
            assert clock.loop.time() == pytest.approx(2.0)
            assert clock.timer is None

        self.run(work)

    def test_is_one_for_a_loop_and_no_other(self) -> None:
        seen: list[Clock] = []

        async def work(now: Clock) -> None:
            assert clock() is now
            seen.append(now)

        self.run(work)
        self.run(work)
        assert seen[0] is not seen[1]
