"""Database work from the loop: what gathers for the writer is one transaction, and each still has its own result or error."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from agentos.access.models import Team
from agentos.core import db

pytestmark = pytest.mark.django_db(transaction=True)


def store(name: str) -> bool:
    """Store a team, and say whether this was in somebody else's transaction."""
    together = connection.in_atomic_block
    with transaction.atomic():
        Team.objects.create(name=name)
    return together


async def gathered(*works: Callable[[], object]) -> list[object]:
    """Ask for all of it while the writer is busy."""
    go_on = threading.Event()
    busy = asyncio.ensure_future(db.write(go_on.wait))
    await asyncio.sleep(0)
    asked = [asyncio.ensure_future(db.write_together(work)) for work in works]
    await asyncio.sleep(0)
    go_on.set()
    await busy
    return await asyncio.gather(*asked, return_exceptions=True)


async def names() -> list[str]:
    return await sync_to_async(lambda: list(Team.objects.order_by("pk").values_list("name", flat=True)))()


class TestWriteTogether:
    async def test_is_one_transaction_on_sqlite(self) -> None:
        expected = connection.vendor == "sqlite"
        assert await gathered(lambda: store("a"), lambda: store("b")) == [expected, expected]
        assert await names() == ["a", "b"]

    async def test_gives_each_its_own_error(self) -> None:
        found = await gathered(lambda: store("a"), lambda: 1 / 0, lambda: store("b"))
        assert found[0] is found[2] is False
        assert isinstance(found[1], ZeroDivisionError)
        assert await names() == ["a", "b"]

    async def test_does_nothing_twice_when_a_hook_breaks_after_the_commit(self) -> None:
        def hooked() -> None:
            Team.objects.create(name="hooked")
            transaction.on_commit(lambda: 1 / 0)

        await gathered(hooked, lambda: store("b"))
        assert sorted(await names()) == ["b", "hooked"]

    async def test_leaves_out_what_was_given_up(self) -> None:
        go_on = threading.Event()
        busy = asyncio.ensure_future(db.write(go_on.wait))
        await asyncio.sleep(0)
        given_up = asyncio.ensure_future(db.write_together(store, "a"))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await busy
        assert await db.write_together(store, "b") is False
        assert await names() == ["b"]

    def test_does_not_wait_for_a_loop_that_is_gone(self) -> None:
        async def ask_and_go(name: str) -> None:
            asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)
            await db.write_together(store, name)

        loop = asyncio.new_event_loop()
        asking = loop.create_task(ask_and_go("lost"))
        loop.call_soon(loop.stop)  # before it comes to what it was asked for
        loop.run_forever()
        asking.cancel()
        loop.close()
        with asyncio.Runner() as runner:
            assert runner.run(asyncio.wait_for(db.write_together(store, "kept"), 10)) is not None


class TestLook:
    async def test_gives_the_result_and_the_error(self) -> None:
        assert await db.look(Team.objects.count) == 0
        with pytest.raises(ZeroDivisionError):
            await db.look(lambda: 1 / 0)

    async def test_needs_no_thread_on_sqlite(self) -> None:
        is_here = await db.look(threading.get_ident) == threading.get_ident()
        assert is_here == (connection.vendor == "sqlite")

    async def test_uses_one_connection_for_all_tasks_of_the_loop(self) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("elsewhere it is a reader's thread that looks")

        async def looked() -> int:
            return await db.look(lambda: id(connections["default"]))

        assert len(set(await asyncio.gather(*(asyncio.create_task(looked()) for _ in range(5))))) == 1

    async def test_lets_the_loop_run_on(self) -> None:
        await db.look(lambda: None)
        await asyncio.sleep(0)
        assert asyncio.get_running_loop().is_running()
