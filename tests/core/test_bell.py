"""Whoever waits for a topic is woken, from any thread; a ring before the wait is not lost."""

import asyncio
import threading

import pytest

from agentos.core.bell import STROKE, MemoryBell


class TestMemoryBell:
    async def test_wakes_who_listens_to_the_topic_and_tells_which(self) -> None:
        bell = MemoryBell()
        with bell.listen("a", "b") as listener:
            threading.Thread(target=bell.ring, args=("b", "c")).start()
            assert await listener.wait(5) == {"b"}

    async def test_remembers_a_ring_that_came_before_the_wait(self) -> None:
        bell = MemoryBell()
        with bell.listen("a") as listener:
            bell.ring("a")
            await asyncio.sleep(0)
            assert await listener.wait(0) == {"a"}
            assert await listener.wait(0) == set()

    async def test_waits_as_long_as_it_is_told(self) -> None:
        """Whatever alarm an earlier wait has left behind."""
        bell, now = MemoryBell(), asyncio.get_running_loop().time
        with bell.listen("a") as listener:
            for seconds in (30, 0.05, 0.02):
                bell.ring("a")
                assert await listener.wait(seconds) == {"a"}
            began = now()
            assert await listener.wait(0.1) == set()
            assert now() - began >= 0.1

    async def test_needs_one_alarm_for_many_waits(self) -> None:
        bell = MemoryBell()
        with bell.listen("a") as listener:
            alarms = set()
            for seconds in (20, 30, 40):
                asyncio.get_running_loop().call_soon(bell.ring, "a")
                assert await listener.wait(seconds) == {"a"}
                alarms.add(listener.alarm)
            (alarm,) = alarms
            assert alarm is not None
        assert alarm.cancelled()

    async def test_rings_alarms_at_full_strokes(self) -> None:
        """So that many readers are woken together, and none of them too early."""
        bell, now = MemoryBell(), asyncio.get_running_loop().time
        began = now()
        with bell.listen("a") as one, bell.listen("b") as other:
            waiting = [asyncio.ensure_future(listener.wait(30 + number * STROKE / 3)) for number, listener in enumerate((one, other))]
            await asyncio.sleep(0)
            moments = [listener.alarm.when() for listener in (one, other) if listener.alarm]
            for task in waiting:
                task.cancel()
        assert len(moments) == 2
        for moment in moments:
            assert moment / STROKE == pytest.approx(round(moment / STROKE), rel=0, abs=0.001)
            assert began + 30 <= moment <= now() + 30 + 2 * STROKE

    async def test_forgets_who_has_left(self) -> None:
        bell = MemoryBell()
        with bell.listen("a"):
            pass
        assert not bell.listeners

    def test_does_not_mind_a_listener_whose_loop_is_gone(self) -> None:
        bell = MemoryBell()

        async def leave() -> None:
            bell.listen("a").__enter__()

        asyncio.run(leave())
        bell.ring("a")
