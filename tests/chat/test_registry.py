"""What time alone ends is heard in open tabs: a subscription's period, a token. Nobody commits anything then."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access import rights
from agentos.access.models import Plan, RightsVersion, Subscription, User
from agentos.agents.models import DjangoAgent
from agentos.chat import registry as registry_module
from agentos.chat.registry import STREAMS_A_USER, OpenStream, Registry, TooManyStreams
from agentos.core import clock
from agentos.core.pubsub import pubsub
from tests.conftest import signed_in
from tests.factories import ApiTokenFactory, SubscriptionFactory

NOON = datetime.fromisoformat("2026-03-10T12:00:00+00:00")
END = NOON + timedelta(minutes=1)
AFTER = END + timedelta(seconds=4)

At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Makes it this time of the day; it is noon before."""

    def be(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    be(NOON)
    return be


@pytest.fixture
def subscription(at: At, stranger: User, pro: Plan) -> Subscription:
    return SubscriptionFactory(customer__user=stranger, plan=pro, current_period_end=END)


@pytest.fixture
def watched(transactional_db: None, subscription: Subscription, stranger: User, plan_agent: DjangoAgent) -> "Watched":
    return Watched(stranger, plan_agent)


class Watched:
    """Processes, each with a tab of the subscriber that has a composer for the plan's agent."""

    def __init__(self, user: User, agent: DjangoAgent) -> None:
        self.user, self.agent = user, agent
        self.session_key = signed_in(user).session.session_key or ""

    def process(self) -> tuple[Registry, OpenStream]:
        registry = Registry()
        return registry, registry.open(self.user, self.session_key, self.agent.pk)


def broken() -> str:
    raise OSError("gone")


class TestPeriodThatEnds:
    async def test_closes_the_stream_of_its_composer(self, watched: Watched, at: At) -> None:
        registry, stream = watched.process()
        await registry.look()
        at(END - timedelta(seconds=1))
        await registry.look()
        assert not stream.closed
        at(END)
        await registry.look()
        assert stream.closed
        assert "lost" in stream.news

    async def test_has_lists_asked_once_more(self, watched: Watched, at: At) -> None:
        registry, stream = watched.process()
        asked: list[str] = []

        def ask() -> str:
            asked.append("")
            return ""

        stream.agent_pk, stream.ask = None, ask
        await registry.look()
        for moment, times in ((NOON, 1), (AFTER, 2), (AFTER, 2)):
            at(moment)
            await registry.look()
            assert len(asked) == times
        assert stream.news == set()  # nothing was new

    async def test_is_put_into_the_news_of_the_streams_that_follow(
        self, watched: Watched, at: At, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        registry, stream = watched.process()
        stream.agent_pk, stream.ask = None, broken
        with pubsub.subscribe(stream.topic) as listener:
            await registry.look()
            assert (stream.news, await listener.wait(0)) == (set(), set())
            assert "it is asked again" in caplog.text
            stream.ask = lambda: "agents"
            await registry.look()  # though no right has changed since
            assert (stream.news, await listener.wait(5)) == ({"agents"}, {stream.topic})

    async def test_is_counted_once_and_heard_by_all_processes(self, watched: Watched, at: At) -> None:
        processes = [watched.process() for _ in range(3)]
        for registry, _ in processes:
            await registry.look()
        before = await sync_to_async(rights.version)()
        at(AFTER)
        for registry, stream in processes:
            await registry.look()
            assert stream.closed
        for registry, _ in processes:
            await registry.look()
        assert await sync_to_async(rights.version)() == before + 1

    async def test_is_heard_by_a_process_whose_clock_is_late(self, watched: Watched, at: At) -> None:
        """Another one has counted before the end has come here."""
        (quick, _), (late, stream) = watched.process(), watched.process()
        await quick.look()
        await late.look()
        at(AFTER)
        await quick.look()
        at(END - timedelta(seconds=1))
        await late.look()
        assert not stream.closed
        at(AFTER)
        await late.look()
        assert stream.closed

    async def test_is_heard_when_something_else_changed_as_well(self, watched: Watched, at: At, pro: Plan) -> None:
        registry, stream = watched.process()
        await registry.look()
        at(AFTER)
        await pro.asave()
        before = await sync_to_async(rights.version)()
        await registry.look()
        assert stream.closed
        assert await sync_to_async(rights.version)() == before

    async def test_is_heard_of_each_that_ends(self, watched: Watched, at: At) -> None:
        """The next end is looked for again after an end."""
        later = END + timedelta(minutes=1)
        await sync_to_async(lambda: SubscriptionFactory(current_period_end=later))()
        registry, stream = watched.process()
        stream.agent_pk = None
        await registry.look()
        before = await sync_to_async(rights.version)()
        for moment, ends in ((AFTER, 1), (AFTER, 1), (later, 2), (later, 2)):
            at(moment)
            await registry.look()
            assert await sync_to_async(rights.version)() == before + ends

    async def test_is_no_end_once_it_was_moved(self, watched: Watched, at: At, subscription: Subscription) -> None:
        registry, stream = watched.process()
        await registry.look()
        subscription.current_period_end = END + timedelta(days=30)
        await subscription.asave()
        before = await sync_to_async(rights.version)()
        at(AFTER)
        await registry.look()
        await registry.look()
        assert not stream.closed
        assert await sync_to_async(rights.version)() == before

    async def test_counts_nothing_when_the_subscription_was_cancelled_before(
        self, watched: Watched, at: At, subscription: Subscription
    ) -> None:
        subscription.status = Subscription.Status.CANCELED
        await subscription.asave()
        registry, _ = watched.process()
        await registry.look()
        assert registry.next_end is None

    async def test_is_counted_where_no_change_was_ever_counted(self, watched: Watched, at: At) -> None:
        await sync_to_async(RightsVersion.objects.all().delete)()
        registry, stream = watched.process()
        await registry.look()
        at(AFTER)
        await registry.look()
        assert stream.closed


class TestAnOpenStream:
    def test_counts_until_it_is_closed_however_often_that_is_said(self, stranger: User, owner: User) -> None:
        registry = Registry()
        streams = [registry.open(stranger, "key", None) for _ in range(STREAMS_A_USER)]
        with pytest.raises(TooManyStreams):
            registry.open(stranger, "key", None)
        registry.close(registry.open(owner, "key", None))
        for _ in range(2):
            registry.close(streams[0])
        registry.open(stranger, "key", None)
        with pytest.raises(TooManyStreams):
            registry.open(stranger, "key", None)
        for stream in [*registry.streams]:
            registry.close(stream)
        assert (registry.streams, registry.count) == (set(), Counter())

    async def test_is_looked_after_and_nothing_is_asked_without_one(
        self, transactional_db: None, stranger: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry, looks = Registry(), list[int]()

        async def look() -> None:
            looks.append(len(registry.streams))

        monkeypatch.setattr(registry_module, "CHECK_SECONDS", 0.01)
        monkeypatch.setattr(registry, "look", look)
        watching = asyncio.create_task(registry.watch())
        await asyncio.sleep(0.1)
        assert looks == []
        registry.open(stranger, "key", None)
        async with asyncio.timeout(10):
            while not looks:
                await asyncio.sleep(0.01)
        watching.cancel()


class TestTokenThatExpires:
    async def test_closes_its_streams(self, at: At, transactional_db: None, owner: User) -> None:
        registry, token = Registry(), await sync_to_async(lambda: ApiTokenFactory(user=owner, expires_at=END))()
        stream = registry.open(owner, "", None, token.pk)
        await registry.look()
        assert not stream.closed
        at(END)
        await registry.look()
        assert stream.closed


class TestCost:
    def test_of_a_look_is_the_same_with_many_streams_and_many_ends(self, subscription: Subscription, stranger: User) -> None:
        SubscriptionFactory.create_batch(20, current_period_end=END)
        registry = Registry()
        streams = [OpenStream(stranger.pk, stranger.password, "key", None) for _ in range(50)]
        for queries in (4, 3, 3):  # when the version is new, the next end is looked for
            with CaptureQueriesContext(connection) as captured:
                registry._lost(streams)
            assert len(captured) == queries
