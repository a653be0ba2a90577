"""Database work from the loop: in a few threads, each with a connection that it keeps and that is made anew where it broke."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections

from agentos.access.models import Team
from agentos.core import db
from site_config import requests

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


_seen: list[object] = []


def kept() -> int:
    """The connection of this thread, by its number."""
    connections["default"].ensure_connection()
    _seen.append(connections["default"].connection)  # so that no other one gets its number
    return id(connections["default"].connection)


def meet_a_broken_one() -> None:
    """As when a database server was restarted: Django closes the connection of whoever finds out."""
    connections["default"].close()
    raise OperationalError("the server has gone")


class TestReadAndWrite:
    async def test_give_the_result_and_the_error(self) -> None:
        for do in (db.read, db.write):
            assert await do(Team.objects.count) == 0
            with pytest.raises(ZeroDivisionError):
                await do(lambda: 1 / 0)

    async def test_happen_away_from_the_loop(self) -> None:
        assert threading.get_ident() not in {await db.read(threading.get_ident), await db.write(threading.get_ident)}

    async def test_write_one_after_the_other(self) -> None:
        done: list[int] = []
        await asyncio.gather(*(db.write(done.append, place) for place in range(20)))
        assert done == list(range(20))
        assert len({await db.write(threading.get_ident) for _ in range(5)}) == 1


class TestConnections:
    async def test_are_kept_by_their_threads(self) -> None:
        assert len({await db.write(kept) for _ in range(5)}) == 1

    async def test_are_kept_through_an_error_of_the_work(self) -> None:
        before = await db.write(kept)
        with pytest.raises(ZeroDivisionError):
            await db.write(lambda: 1 / 0)
        assert await db.write(kept) == before

    async def test_of_all_threads_are_made_anew_when_one_broke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """When a database server starts again everybody's connection is gone, and one finds out first."""
        await asyncio.to_thread(db.close)
        monkeypatch.setattr(db, "READERS", 1)
        before = await db.write(kept)
        await db.read(kept)
        with pytest.raises(OperationalError):
            await db.read(meet_a_broken_one)
        after = await db.write(kept)
        assert after != before
        assert await db.write(kept) == after
        await asyncio.to_thread(db.close)


class TestClose:
    async def test_closes_the_connection_of_every_thread(self) -> None:
        used = threading.Barrier(db.READERS)
        found = await asyncio.gather(*(db.read(lambda: (kept(), used.wait(), connections["default"])[-1]) for _ in range(db.READERS)))
        assert len({id(one) for one in found}) == db.READERS
        await asyncio.to_thread(db.close)
        assert {one.connection for one in found} == {None}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="it is about SQLite")
class TestSQLite:
    async def test_leaves_everything_in_its_file(self, tmp_path: Path) -> None:
        await db.write(lambda: Team.objects.create(name="kept"))
        await asyncio.to_thread(db.close)
        copy = tmp_path / "copy.sqlite3"
        await asyncio.to_thread(shutil.copy, str(connection.settings_dict["NAME"]), copy)
        with closing(sqlite3.connect(copy)) as opened:
            assert opened.execute("SELECT name FROM access_team").fetchall() == [("kept",)]

    def test_keeps_no_more_pages_when_it_grows(self, tmp_path: Path) -> None:
        """Ten connections with 16 MB each took 100 MB of a database as large as that. (The tests have settings of their own.)"""
        ask = "from site_config import settings; print(settings.DATABASES['default']['OPTIONS']['init_command'])"
        env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": str(tmp_path)}
        said = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
        kilobytes = re.search(r"cache_size=-(\d+);", said)
        assert kilobytes
        assert int(kilobytes[1]) * (db.READERS + requests.THREADS + 1) <= 32_000
