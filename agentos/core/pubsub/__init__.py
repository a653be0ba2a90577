"""Publish and subscribe. Notifications are hints without state: missing one only delays a reader.

Topics: ``session:<pk>`` (a turn of this chat changed), ``draft:<pk>`` (its running answer grew), ``user:<pk>`` (this
user's lists changed), ``notice:<pk>`` (a sentence for this user), ``stop`` (the server goes away). More may follow a ``#``:
``user:5#12``, session 12 moved to the top of the lists of user 5.

Where several processes share a PostgreSQL, what is published at a commit is heard in all of them (``notify``). What only other
processes have to hear: ``grown#<session>.<run>`` (this run's journal grew), ``run#<pk>`` (whoever drives this run should see whether it
is still theirs), ``queue#<session>`` (a message waits here, and its process drives no runs), ``deliveries`` (a webhook is due,
and its process sends none).
"""

import asyncio
import math
import secrets
import threading
from collections import Counter, defaultdict
from types import TracebackType
from typing import Self

from django.db import connection, transaction

from agentos.core.pubsub import loops

TICK = 0.02  # seconds
NEWS_ONLY = ("notice:", "stop")  # topics that say all there is: nothing can be looked up about them


class Subscription:
    """One reader. Use it as a context manager, on an event loop; what is published while nobody waits is remembered."""

    def __init__(self, pubsub: "MemoryPubSub", topics: tuple[str, ...]) -> None:
        self.pubsub = pubsub
        self.topics = topics
        self.loop = asyncio.get_running_loop()
        self.waiting: asyncio.Future[None] | None = None
        self.heard: set[str] = set()
        self.timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self.pubsub.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.pubsub.remove(self)
        if self.timer:
            self.timer.cancel()

    async def wait(self, seconds: float) -> set[str]:
        """Return the topics that were published since the last call, none when the time is over."""
        over = self.loop.time() + seconds
        while not self.heard and self.loop.time() < over:
            self.waiting = self.loop.create_future()
            self._set_timer(over)
            await self.waiting
        heard, self.heard = self.heard, set()
        return heard

    def _set_timer(self, moment: float) -> None:
        """An earlier timer stays: it is set again when it is over, and not at every wait. All timers end at full ticks of one clock:
        what many readers do then is done in one go, at half the cost."""
        moment = math.ceil(moment / TICK) * TICK
        if self.timer and self.timer.when() > moment:
            self.timer.cancel()
            self.timer = None
        self.timer = self.timer or self.loop.call_at(moment, self._on_timer)

    def _on_timer(self) -> None:
        self.timer = None
        self._wake()

    def on_event(self, topic: str) -> None:
        """On the subscription's own loop."""
        self.heard.add(topic)
        self._wake()

    def _wake(self) -> None:
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(None)


class MemoryPubSub:
    """The subscriptions of this process. What publishes may be called from any thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.subscriptions: dict[str, set[Subscription]] = defaultdict(set)
        self.publications: Counter[str] = Counter()
        self.process = secrets.token_hex(6)  # which other processes know it by
        self.boot = secrets.token_hex(4)  # part of every version
        self.is_alone = False  # known to be: nobody else listens

    def subscribe(self, *topics: str) -> Subscription:
        return Subscription(self, topics)

    def add(self, subscription: Subscription) -> None:
        with self.lock:
            for topic in subscription.topics:
                self.subscriptions[topic].add(subscription)

    def remove(self, subscription: Subscription) -> None:
        with self.lock:
            for topic in subscription.topics:
                self.subscriptions[topic].discard(subscription)
                if not self.subscriptions[topic]:
                    del self.subscriptions[topic]

    def publish(self, *topics: str) -> None:
        with self.lock:
            called = []
            for topic in topics:
                name = topic.partition("#")[0]
                called += [(subscription, topic) for subscription in self.subscriptions.get(name, ())]
                if name.startswith("user:"):
                    self.publications[name] += 1
        for subscription, topic in called:
            loops.call_soon(subscription.loop, subscription.on_event, topic)

    def publish_on_commit(self, *topics: str) -> None:
        """Publish when the transaction at hand is committed: here, and in all other processes of this database. Database work."""
        transaction.on_commit(lambda: self.publish(*topics))
        self.tell_others(*topics)

    def tell_others(self, *topics: str) -> None:
        """Publish in the other processes alone, when the transaction at hand is committed. Database work."""
        if connection.vendor != "postgresql":
            return
        if self.is_alone:  # another process may come before the commit, and read what was there before it
            transaction.on_commit(lambda: self._send(*topics), robust=True)
        else:
            self._send(*topics)

    def _send(self, *topics: str) -> None:
        if self.is_alone:
            return
        from agentos.core.pubsub import notify  # noqa: PLC0415 - SQLite is one process: nothing of it is loaded there

        notify.send(self.process, topics)

    def publish_all(self) -> None:
        """Others may have told something that was not heard: every subscription hears all its topics, and looks at the database."""
        with self.lock:
            self.boot = secrets.token_hex(4)  # what was read before may be old
            called = [
                (subscription, topic)
                for topic, subscribed in self.subscriptions.items()
                if not topic.startswith(NEWS_ONLY)
                for subscription in subscribed
            ]
        for subscription, topic in called:
            loops.call_soon(subscription.loop, subscription.on_event, topic)

    def has_subscribers(self, topic: str) -> bool:
        return topic in self.subscriptions

    def version(self, topic: str) -> str:
        """Changes whenever the topic is published, and with the process: what is read after asking for it is at least as new."""
        return f"{self.boot}.{self.publications[topic]}"


pubsub = MemoryPubSub()
