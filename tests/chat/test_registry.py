"""What time alone ends is heard in open tabs: a subscription's period, a token. Nobody commits anything then."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access import rights
from agentos.access.models import Plan, RightsVersion, Subscription, User
from agentos.agents.models import DjangoAgent
from agentos.chat.registry import OpenStream, Registry
from agentos.core import clock
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
