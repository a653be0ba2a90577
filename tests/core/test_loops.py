"""A loop is told things from any thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from agentos.core.pubsub import loops


class Told:
    """Notes how a loop was told: ``soon``, or ``woken`` from another thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ways: list[str] = []
        loop = asyncio.get_running_loop()
        for name, way in (("call_soon", "soon"), ("call_soon_threadsafe", "woken")):
            monkeypatch.setattr(loop, name, self.noting(getattr(loop, name), way))

    def noting(self, call: Callable[..., Any], way: str) -> Callable[..., Any]:
        def noted(done: Any, *args: Any, **options: Any) -> Any:
            if done == self.hear:
                self.ways.append(way)
            return call(done, *args, **options)

        return noted

    def hear(self, heard: "asyncio.Future[str]") -> None:
        heard.set_result("heard")


class TestTell:
    async def test_wakes_no_loop_from_its_own_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop, told = asyncio.get_running_loop(), Told(monkeypatch)
        heard = loop.create_future()
        loops.call_soon(loop, told.hear, heard)
        assert await heard == "heard"
        assert told.ways == ["soon"]

    async def test_wakes_it_from_another_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop, told = asyncio.get_running_loop(), Told(monkeypatch)
        heard = loop.create_future()
        threading.Thread(target=loops.call_soon, args=(loop, told.hear, heard)).start()
        assert await heard == "heard"
        assert told.ways == ["woken"]

    def test_does_not_mind_a_loop_that_is_closed(self) -> None:
        loop = asyncio.new_event_loop()
        loop.close()
        loops.call_soon(loop, print)
