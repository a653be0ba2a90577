"""Whoever waits for a topic is woken, from any thread; a ring before the wait is not lost."""

import asyncio
import threading

from agentos.core.bell import MemoryBell


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
