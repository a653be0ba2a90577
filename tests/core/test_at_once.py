"""Work on the loop itself: it never waits there, is never done twice, and is left to threads while it takes long."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, connections, transaction

from agentos.access.models import Team
from agentos.core import db, on_loop
from agentos.core.sqlite.base import DatabaseWrapper, _writing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="elsewhere nothing is done on the loop"),
]


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> on_loop.Pace:
    pace = on_loop.Pace()
    monkeypatch.setattr(on_loop, "pace", pace)
    return pace


def store(name: str = "a") -> int:
    """Store a team, and say in which thread."""
    with transaction.atomic():
        Team.objects.create(name=name)
    return threading.get_ident()


async def names() -> list[str]:
    return await sync_to_async(lambda: list(Team.objects.order_by("pk").values_list("name", flat=True)))()


@contextmanager
def another_thread_writes() -> Iterator[None]:
    """Another thread of this process is in the middle of a transaction."""
    began, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            began.set()
            go_on.wait()
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    began.wait()
    try:
        yield
    finally:
        go_on.set()
        thread.join()


@pytest.fixture
def other_thread() -> Iterator[None]:
    with another_thread_writes():
        yield


@pytest.fixture
def other_process() -> Iterator[None]:
    """As another process does it: past our own lock, straight at the file."""
    yield from _held(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None))


def _held(other: sqlite3.Connection) -> Iterator[None]:
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


class TestAtOnce:
    async def test_is_done_in_the_thread_of_the_loop(self) -> None:
        assert db.at_once(store) == threading.get_ident()
        assert await names() == ["a"]

    async def test_hands_on_an_error_and_stores_nothing(self) -> None:
        def broken() -> None:
            with transaction.atomic():
                store()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            db.at_once(broken)
        assert await names() == []

    async def test_does_not_wait_for_a_thread(self, other_thread: None) -> None:
        with pytest.raises(db.WouldWait):
            db.at_once(store)

    async def test_does_not_even_begin_while_a_thread_writes(self, other_thread: None) -> None:
        begun: list[bool] = []
        with pytest.raises(db.WouldWait):
            db.at_once(begun.append, True)
        assert begun == []

    async def test_does_not_wait_for_a_thread_that_came_in_between(self) -> None:
        def work() -> None:
            assert _writing.acquire(blocking=False)
            store()

        try:
            with pytest.raises(db.WouldWait):
                db.at_once(work)
        finally:
            _writing.release()
        assert await names() == []

    async def test_does_not_wait_for_a_process(self, other_process: None) -> None:
        with pytest.raises(db.WouldWait):
            db.at_once(store)

    async def test_does_not_wait_outside_a_transaction_either(self, other_process: None) -> None:
        with pytest.raises(db.WouldWait):
            db.at_once(Team.objects.filter(name="a").update, name="b")

    async def test_gives_another_process_no_time_at_all(self) -> None:
        assert db.at_once(lambda: connection.cursor().execute("PRAGMA busy_timeout").fetchone()) == (0,)

    async def test_reads_whoever_writes(self, other_process: None) -> None:
        assert db.at_once(Team.objects.count) == 0

    async def test_can_be_tried_again(self) -> None:
        for _ in _held(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)):
            with pytest.raises(db.WouldWait):
                db.at_once(store)
        db.at_once(store)
        assert await names() == ["a"]

    @pytest.mark.parametrize("second", [store, lambda: Team.objects.filter(name="first").update(name="a")])
    async def test_waits_after_all_for_what_comes_after_a_change(self, second: Callable[[], Any]) -> None:
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)

        def work() -> None:
            store("first")
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.1, other.close).start()
            second()

        db.at_once(work)
        assert "a" in await names()
        assert len(await names()) <= 2

    async def test_leaves_a_connection_that_waits(self) -> None:
        db.at_once(store)
        assert await sync_to_async(lambda: connection.cursor().execute("PRAGMA busy_timeout").fetchone())() == (20_000,)
        assert connection.changed_before is None  # type: ignore[attr-defined]


class TestPace:
    def test_one_hiccup_is_none_but_two_are(self, pace: on_loop.Pace) -> None:
        pace.note(500 * on_loop.LONG, 10.0)
        assert pace.is_good(11.0)
        pace.note(500 * on_loop.LONG, 21.0)
        assert not pace.is_good(22.0)

    def test_is_bad_for_a_while_after_much_that_took_long(self, pace: on_loop.Pace) -> None:
        for second in range(20):
            pace.note(2 * on_loop.LONG, second)
        assert not pace.is_good(20.0)
        assert pace.is_good(20.0 + on_loop.WHILE)

    def test_shares_the_work_of_a_transaction_among_its_pieces(self, pace: on_loop.Pace) -> None:
        """And not the waiting: what many have to wait for is a slow disk all the same."""
        for second in range(20):
            pace.note(2 * on_loop.LONG, second, worked=2 * on_loop.LONG, pieces=16)
        assert pace.is_good(20.0)
        for second in range(20):
            pace.note(2 * on_loop.LONG, second, worked=0.0, pieces=16)
        assert not pace.is_good(20.0)

    async def test_hears_how_many_pieces_there_were(self, pace: on_loop.Pace, monkeypatch: pytest.MonkeyPatch) -> None:
        noted: list[dict[str, Any]] = []
        monkeypatch.setattr(pace, "note", lambda took, now, **more: noted.append(more))
        await asyncio.gather(*(db.write_together(store, name) for name in "abc"))
        db.at_once(store, "d")
        assert [more["pieces"] for more in noted] == [3, 1]
        assert all(more["worked"] > 0 for more in noted)

    async def test_decides(self, pace: on_loop.Pace) -> None:
        pace.again_at = perf_counter() + 100
        with pytest.raises(db.WouldWait):
            db.at_once(store)
        assert await names() == []


class TestWriteTogether:
    async def test_is_done_at_once(self) -> None:
        assert await db.write_together(store) == threading.get_ident()

    @pytest.mark.parametrize("count", [1, 3])
    async def test_is_done_in_a_thread_where_it_would_wait(self, count: int) -> None:
        with another_thread_writes():
            asked = [asyncio.ensure_future(db.write_together(store, str(place))) for place in range(count)]
            await asyncio.sleep(0.01)
            assert not any(future.done() for future in asked)
        assert threading.get_ident() not in await asyncio.gather(*asked)
        assert await names() == [str(place) for place in range(count)]

    async def test_is_done_when_the_other_has_written(self) -> None:
        for _ in _held(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)):
            asked = [asyncio.ensure_future(db.write_together(store, name)) for name in "ab"]
            await asyncio.sleep(0.01)
        assert threading.get_ident() not in await asyncio.gather(*asked)
        assert await names() == ["a", "b"]

    async def test_is_done_in_a_thread_where_the_loop_has_no_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(self: Any) -> None:
            raise OperationalError("unable to open database file")

        monkeypatch.setattr(DatabaseWrapper, "without_waiting", fail)
        assert await asyncio.wait_for(db.write_together(store), 5) != threading.get_ident()
        assert await names() == ["a"]

    async def test_lets_the_loop_turn_in_between(self) -> None:
        turn = 0

        async def count_turns() -> None:
            nonlocal turn
            while True:
                await asyncio.sleep(0)
                turn += 1

        counting = asyncio.ensure_future(count_turns())
        turns = await asyncio.gather(*(db.write_together(lambda: turn) for _ in range(2 * db.MOST_AT_ONCE + 1)))
        counting.cancel()
        assert len(set(turns)) == 3


class TestLog:
    async def test_is_written_back_by_a_thread_now_and_then(self) -> None:
        for place in range(db.WRITE_BACK_EVERY):
            db.at_once(store, f"team number {place}")
        await db.write(lambda: None)  # the writer has done what was asked of it before
        stored = await sync_to_async(Path(connection.settings_dict["NAME"]).read_bytes)()
        assert b"team number 0" in stored
