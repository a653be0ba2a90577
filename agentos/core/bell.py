"""The bell: wakes whoever waits for a topic. It carries no state; a reader that misses a ring loses only time.

Topics: ``session:<pk>`` (a turn of this chat changed), ``draft:<pk>`` (its running answer grew), ``user:<pk>`` (this
user's lists changed), ``notice:<pk>`` (a sentence for this user), ``stop`` (the server goes away). A ring may say more behind a ``#``:
``user:5#12``, session 12 moved to the top of the lists of user 5.
"""

import asyncio
import math
import secrets
import threading
from collections import Counter, defaultdict
from types import TracebackType
from typing import Protocol, Self

from agentos.core import loops

STROKE = 0.02  # seconds


class Bell(Protocol):
    """Embedded: MemoryBell. A cluster's bell carries the same topics between processes."""

    def ring(self, *topics: str) -> None:
        """Wake whoever listens to one of the topics. May be called from any thread."""


class Listener:
    """One waiting reader. Use it as a context manager, on an event loop; a ring while nobody waits is remembered."""

    def __init__(self, bell: "MemoryBell", topics: tuple[str, ...]) -> None:
        self.bell = bell
        self.topics = topics
        self.loop = asyncio.get_running_loop()
        self.waiting: asyncio.Future[None] | None = None
        self.heard: set[str] = set()
        self.alarm: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self.bell.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bell.remove(self)
        if self.alarm:
            self.alarm.cancel()

    async def wait(self, seconds: float) -> set[str]:
        """Return the topics that rang since the last call, none when the time is over."""
        over = self.loop.time() + seconds
        while not self.heard and self.loop.time() < over:
            self.waiting = self.loop.create_future()
            self._set_alarm(over)
            await self.waiting
        heard, self.heard = self.heard, set()
        return heard

    def _set_alarm(self, moment: float) -> None:
        """One that rings earlier stays: it is set again when it has rung, and not at every wait. All alarms ring at full strokes of
        one clock: what many readers do then is done in one go, and costs half as much as by ones and twos."""
        moment = math.ceil(moment / STROKE) * STROKE
        if self.alarm and self.alarm.when() > moment:
            self.alarm.cancel()
            self.alarm = None
        self.alarm = self.alarm or self.loop.call_at(moment, self._alarmed)

    def _alarmed(self) -> None:
        self.alarm = None
        self._wake()

    def hear(self, topic: str) -> None:
        """On the listener's own loop."""
        self.heard.add(topic)
        self._wake()

    def _wake(self) -> None:
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(None)


class MemoryBell:
    """The bell of one process. ``ring`` may be called from any thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.listeners: dict[str, set[Listener]] = defaultdict(set)
        self.rings: Counter[str] = Counter()
        self.boot = secrets.token_hex(4)

    def listen(self, *topics: str) -> Listener:
        return Listener(self, topics)

    def add(self, listener: Listener) -> None:
        with self.lock:
            for topic in listener.topics:
                self.listeners[topic].add(listener)

    def remove(self, listener: Listener) -> None:
        with self.lock:
            for topic in listener.topics:
                self.listeners[topic].discard(listener)
                if not self.listeners[topic]:
                    del self.listeners[topic]

    def ring(self, *topics: str) -> None:
        with self.lock:
            called = []
            for topic in topics:
                name = topic.partition("#")[0]
                called += [(listener, topic) for listener in self.listeners.get(name, ())]
                if name.startswith("user:"):
                    self.rings[name] += 1
        here = loops.here()
        for listener, topic in called:
            if listener.loop is here:
                listener.hear(topic)
            else:
                loops.tell(listener.loop, listener.hear, topic)

    def version(self, topic: str) -> str:
        """Changes whenever the topic rings, and with the process: what was read after it was asked is at least as new."""
        return f"{self.boot}.{self.rings[topic]}"


bell = MemoryBell()
