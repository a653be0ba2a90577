"""Short work that comes in a hundred times at once: a few pieces a transaction, each with its own fate, and turns for the others."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connection, transaction

from agentos.access.models import Team
from agentos.core import bursts, db, on_loop
from agentos.core.bursts import Burst
from agentos.core.sqlite.base import DatabaseWrapper

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="elsewhere nothing is done on the loop"),
]


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_loop, "pace", on_loop.Pace())


@pytest.fixture
def burst() -> Burst:
    return Burst()


def store(name: str) -> str:
    with transaction.atomic():
        Team.objects.create(name=name)
    return name


def refused(name: str) -> str:
    """As a view does it that has begun, and finds a reason not to."""
    try:
        with transaction.atomic():
            Team.objects.create(name=name)
            raise IntegrityError
    except IntegrityError:
        return "refused"


async def names() -> list[str]:
    return await sync_to_async(lambda: list(Team.objects.order_by("pk").values_list("name", flat=True)))()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by each commit."""
    made: list[int] = []
    before: Callable[[Any], None] = DatabaseWrapper._commit

    def commit(self: Any) -> None:
        before(self)
        made.append(threading.get_ident())

    monkeypatch.setattr(DatabaseWrapper, "_commit", commit)
    return made


class TestBurst:
    async def test_makes_one_transaction_of_what_waits(self, burst: Burst, commits: list[int]) -> None:
        assert await asyncio.gather(*(burst.take(store, name) for name in "abc")) == ["a", "b", "c"]
        assert commits == [threading.get_ident()]
        assert await names() == ["a", "b", "c"]

    async def test_gives_each_its_own_fate(self, burst: Burst) -> None:
        work = [burst.take(store, "a"), burst.take(refused, "b"), burst.take(store, "c")]
        assert await asyncio.gather(*work) == ["a", "refused", "c"]
        assert await names() == ["a", "c"]

    async def test_does_for_each_what_follows_its_commit(self, burst: Burst) -> None:
        """Though what follows another one's breaks."""
        done: list[str] = []

        def store_and(name: str, then: Callable[[], Any]) -> str:
            transaction.on_commit(then)
            return store(name)

        work = [burst.take(store_and, "a", lambda: done[0]), burst.take(store_and, "b", lambda: done.append("b"))]
        assert await asyncio.gather(*work) == ["a", "b"]
        assert done == ["b"]

    async def test_answers_nobody_before_it_is_stored(self, burst: Burst, monkeypatch: pytest.MonkeyPatch) -> None:
        """A commit that the disk refuses: nothing was stored, so each is done again by itself, in a thread."""

        def fail(self: Any) -> None:
            self._rollback()
            raise IntegrityError

        with monkeypatch.context() as patch:
            patch.setattr(DatabaseWrapper, "_commit", fail)
            answers = await asyncio.gather(*(burst.take(store, name) for name in "ab"), return_exceptions=True)
        assert [type(answer) for answer in answers] == [db.WouldWait] * 2
        assert await names() == []

    @pytest.mark.parametrize("count", [1, 3])
    async def test_leaves_it_to_threads_where_the_loop_has_no_database(
        self, burst: Burst, count: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And nobody waits for ever: neither those who came then, nor those who come later."""

        def fail(self: Any) -> None:
            raise OperationalError("unable to open database file")

        with monkeypatch.context() as patch:
            patch.setattr(DatabaseWrapper, "without_waiting", fail)
            answers = await asyncio.gather(*(burst.take(store, str(place)) for place in range(count)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [db.WouldWait] * count
        assert await burst.take(store, "later") == "later"
        assert await names() == ["later"]

    async def test_passes_on_what_a_single_piece_raises(self, burst: Burst) -> None:
        with pytest.raises(ZeroDivisionError):
            await burst.take(lambda: 1 // 0)

    async def test_leaves_out_who_has_gone(self, burst: Burst) -> None:
        gone, stays = asyncio.ensure_future(burst.take(store, "gone")), asyncio.ensure_future(burst.take(store, "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays == "stays"
        assert await names() == ["stays"]

    async def test_is_only_so_large(self, burst: Burst, commits: list[int]) -> None:
        await asyncio.gather(*(burst.take(store, str(place)) for place in range(2 * db.MOST_AT_ONCE + 1)))
        assert len(commits) == 3

    @pytest.mark.parametrize(("stretch", "goes_on"), [(0.0, False), (100.0, True)])
    async def test_leaves_the_loop_to_others_after_a_stretch(
        self, burst: Burst, stretch: float, goes_on: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody who needs a few turns of the loop gets them before all of the burst is done, but not before a stretch of it is."""
        monkeypatch.setattr(bursts, "STRETCH", stretch)
        monkeypatch.setattr(db, "MOST_AT_ONCE", 1)
        first, second = (asyncio.ensure_future(burst.take(store, name)) for name in "ab")
        await first
        for _ in range(bursts.TURNS // 2):
            await asyncio.sleep(0)
        assert second.done() is goes_on
        await second
