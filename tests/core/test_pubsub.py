"""Whoever waits for a topic is woken, from any thread; a publication before the wait is not lost."""

import asyncio
import threading

import pytest

from agentos.core.pubsub import TICK, MemoryPubSub


class TestMemoryBell:
    async def test_wakes_who_listens_to_the_topic_and_tells_which(self) -> None:
        pubsub = MemoryPubSub()
        with pubsub.subscribe("a", "b") as subscription:
            threading.Thread(target=pubsub.publish, args=("b", "c")).start()
            assert await subscription.wait(5) == {"b"}

    async def test_remembers_a_ring_that_came_before_the_wait(self) -> None:
        pubsub = MemoryPubSub()
        with pubsub.subscribe("a") as subscription:
            pubsub.publish("a")
            await asyncio.sleep(0)
            assert await subscription.wait(0) == {"a"}
            assert await subscription.wait(0) == set()

    async def test_waits_as_long_as_it_is_told(self) -> None:
        """Whatever alarm an earlier wait has left behind."""
        pubsub, now = MemoryPubSub(), asyncio.get_running_loop().time
        with pubsub.subscribe("a") as subscription:
            for seconds in (30, 0.05, 0.02):
                pubsub.publish("a")
                assert await subscription.wait(seconds) == {"a"}
            began = now()
            assert await subscription.wait(0.1) == set()
            assert now() - began >= 0.1

    async def test_needs_one_alarm_for_many_waits(self) -> None:
        pubsub = MemoryPubSub()
        with pubsub.subscribe("a") as subscription:
            alarms = set()
            for seconds in (20, 30, 40):
                asyncio.get_running_loop().call_soon(pubsub.publish, "a")
                assert await subscription.wait(seconds) == {"a"}
                alarms.add(subscription.timer)
            (timer,) = alarms
            assert timer is not None
        assert timer.cancelled()

    async def test_rings_alarms_at_full_strokes(self) -> None:
        """So that many readers are woken together, and none of them too early."""
        pubsub, now = MemoryPubSub(), asyncio.get_running_loop().time
        began = now()
        with pubsub.subscribe("a") as one, pubsub.subscribe("b") as other:
            waiting = [asyncio.ensure_future(subscription.wait(30 + number * TICK / 3)) for number, subscription in enumerate((one, other))]
            await asyncio.sleep(0)
            moments = [subscription.timer.when() for subscription in (one, other) if subscription.timer]
            for task in waiting:
                task.cancel()
        assert len(moments) == 2
        for moment in moments:
            assert moment / TICK == pytest.approx(round(moment / TICK), rel=0, abs=0.001)
            assert began + 30 <= moment <= now() + 30 + 2 * TICK

    async def test_forgets_who_has_left(self) -> None:
        pubsub = MemoryPubSub()
        with pubsub.subscribe("a"):
            pass
        assert not pubsub.subscriptions

    def test_does_not_mind_a_listener_whose_loop_is_gone(self) -> None:
        pubsub = MemoryPubSub()

        async def leave() -> None:
            pubsub.subscribe("a").__enter__()

        asyncio.run(leave())
        pubsub.publish("a")
