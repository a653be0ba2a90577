"""Databases that agents read: what they may ask, and that nothing else gets through, on SQLite and on PostgreSQL."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql as composed

from agentos.agents.runtime import call_context, tools
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import Refused, databases
from agentos.agents.tools.definition import current
from agentos.agents.tools.sql import sql
from agentos.audit.models import AuditRecord
from agentos.conf.kinds import Sources
from tests import postgres

SCHEMA = (
    "CREATE TABLE article (id INTEGER PRIMARY KEY, name TEXT, price REAL, photo {blob})",
    "INSERT INTO article VALUES (1, 'tea', 2.5, {photo}), (2, 'cups', 7, NULL)",
    "CREATE TABLE secret (word TEXT)",
    "INSERT INTO secret VALUES ('hunter2')",
    "CREATE VIEW cheap AS SELECT name FROM article WHERE price < 5",
)
pytestmark = pytest.mark.django_db(transaction=True)
NAME, PASSWORD = "agentos_reader", "only-reads"


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("shop") / "a shop?.sqlite3"
    with sqlite3.connect(path) as connection:
        for statement in SCHEMA:
            connection.execute(statement.format(blob="BLOB", photo="x'0102'"))
    return f"sqlite:///{quote(str(path))}"


@pytest.fixture(scope="module")
def big() -> Iterator[tuple[str, str]]:
    """The address of a database for its owner, and for a role that may read two tables of it."""
    with postgres.server() as url, psycopg.connect(url, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS agentos_shop")
        server.execute("CREATE DATABASE agentos_shop")
        server.execute("DROP ROLE IF EXISTS agentos_reader")
        server.execute(composed.SQL("CREATE ROLE agentos_reader LOGIN PASSWORD {}").format(PASSWORD))
        owner = url.rpartition("/")[0] + "/agentos_shop"
        with psycopg.connect(owner, autocommit=True) as shop:
            for statement in SCHEMA:
                shop.execute(statement.format(blob="BYTEA", photo=r"'\x0102'").encode())
            shop.execute("GRANT SELECT ON article, cheap TO agentos_reader")
        place = owner.partition("@")[2]
        yield owner, f"postgres://{NAME}:{PASSWORD}@{place}"
        server.execute("DROP DATABASE agentos_shop WITH (FORCE)")
        server.execute("DROP ROLE agentos_reader")


def given(settings: Any, urls: dict[str, str], chosen: list[str] | None = None) -> None:
    settings.AGENTOS_SQL_SOURCES = [f"{name}={url}" for name, url in urls.items()]
    spec = AgentSpec("a", "A", "scripted:echo", tools=("sql",), options={"sql": {"sources": list(urls) if chosen is None else chosen}})
    call_context.opened(spec, tools.toolbox(["sql"], {}), run_id="r", user_id="1", session_id="s", history=[], said=["Hi"])


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, settings: Any) -> str:
    """Which database is asked."""
    url = request.getfixturevalue("lite") if request.param == "sqlite" else request.getfixturevalue("big")[1]
    given(settings, {"shop": url})
    return str(request.param)


async def ask(query: str, source: str = "") -> list[Any]:
    """Return the lines of the answer: columns, rows, and how many there are."""
    said = await sql.functions[1].call(query=query, source=source)
    *rows, end = said.split("\n")
    return [*map(json.loads, rows), end]


async def tables(source: str = "") -> str:
    said = await sql.functions[0].call(source=source)
    assert isinstance(said, str)
    return said


class TestAnswers:
    async def test_have_columns_and_rows(self, shop: str) -> None:
        assert await ask("SELECT id, name, price, photo FROM article ORDER BY id") == [
            ["id", "name", "price", "photo"],
            [1, "tea", 2.5, "(2 bytes)"],
            [2, "cups", 7.0, None],
            "2 rows.",
        ]

    @pytest.mark.parametrize(
        "query",
        [
            "SELECT count(*) FROM article;",
            "WITH c AS (SELECT * FROM cheap) SELECT count(*) + 1 FROM c",
            "SELECT 2 -- two; three",
            "VALUES (2)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2) SELECT max(i) FROM n",
        ],
    )
    async def test_come_of_every_way_to_ask(self, shop: str, query: str) -> None:
        assert (await ask(query))[1:] == [[2], "1 row."]

    async def test_are_bounded(self, shop: str) -> None:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n"
        found = await ask(numbers)
        assert (found[1], found[-2], found[-1]) == ([1], [200], "The first 200 rows; there are more. Sum up in SQL.")

    async def test_are_bounded_in_their_text_too(self, shop: str) -> None:
        long = "replace(hex(zeroblob(400)), '0', 'x')" if shop == "sqlite" else "repeat('x', 800)"
        found = await ask(f"SELECT {long} FROM article a, article b, article c, article d, article e, article f, article g")  # noqa: S608
        assert found[-1] == "The first 31 rows; there are more. Sum up in SQL."
        assert len(found[1][0]) == 501

    async def test_list_the_tables(self, shop: str) -> None:
        said = await tables()
        assert "article(id " in said
        assert "cheap(name " in said
        assert "sqlite_" not in said
        assert "pg_" not in said

    async def test_leave_a_line_in_the_audit(self, shop: str) -> None:
        await ask("SELECT word FROM (SELECT 'hunter2' AS word) AS s")
        noted = await asyncio.to_thread(AuditRecord.objects.get, verb="agents.tool.called")
        assert (noted.object_id, noted.data["tool"], noted.data["ok"]) == ("r", "sql", True)
        assert "hunter2" not in str(noted.data)

    async def test_leave_nothing_open(self, big: tuple[str, str], settings: Any) -> None:
        given(settings, {"shop": big[1]})
        await ask("SELECT 1")
        with psycopg.connect(big[0]) as owner:
            while owner.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = 'agentos-sql'").fetchone():
                owner.rollback()


WRITES = [
    "INSERT INTO article VALUES (3, 'x', 1, NULL)",
    "UPDATE article SET price = 0",
    "DELETE FROM article",
    "DROP TABLE article",
    "CREATE TABLE mine (x TEXT)",
    "CREATE TEMP TABLE mine (x TEXT)",
    "SELECT 1; DELETE FROM article",
    "SELECT 1; COMMIT; DELETE FROM article",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "",
    ";",
    "EXPLAIN SELECT 1",
    "SELECT * FROM nowhere",
    "SELECT '\0'",
    "SELECT \ud800",
]
OF_SQLITE = [
    "ATTACH '/tmp/other.sqlite3' AS other",
    "PRAGMA query_only = OFF",
    "PRAGMA table_info(article)",
    "SELECT * FROM pragma_table_info('article')",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_schema",
    "SELECT count(*) FROM sqlite_master",
    "SELECT count(*) FROM sqlite_temp_master",
    "SELECT count(*) FROM pragma_database_list",
    "SELECT load_extension('x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('/tmp/x', 'x')",
    "SELECT length(zeroblob(1000000000))",
    "SELECT length(randomblob(100000000))",
    "VACUUM INTO '/tmp/stolen.sqlite3'",
    "REINDEX",
    "WITH x AS (SELECT 1) DELETE FROM article",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    " UNION ALL ".join(["SELECT 1"] * 100),
]
OF_POSTGRESQL = [
    "WITH gone AS (DELETE FROM article RETURNING *) SELECT * FROM gone",
    "SELECT * INTO mine FROM article",
    "SELECT * FROM article FOR UPDATE",
    "SELECT * FROM secret",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(1)",
    "COPY article TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SET statement_timeout = 0",
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT * FROM pg_authid",
    "SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS x(a int)",
    "SELECT pg_reload_conf()",
    "DO $$ BEGIN PERFORM 1; END $$",
    "CALL nothing()",
    "LISTEN news",
    "PREPARE p AS DELETE FROM article",
    "SET ROLE postgres",
    "RESET SESSION AUTHORIZATION",
    "SELECT 1) TO STDOUT; DELETE FROM article",
]


class TestAttacks:
    @pytest.mark.parametrize("query", WRITES, ids=range(len(WRITES)))
    async def test_that_write_are_refused(self, shop: str, query: str) -> None:
        if (shop, query) == ("sqlite", "EXPLAIN SELECT 1"):
            pytest.skip("SQLite shows its steps, which is only reading.")
        with pytest.raises(Refused) as refused:
            await ask(query)
        assert "Traceback" not in str(refused.value)
        assert PASSWORD not in str(refused.value)
        assert (await ask("SELECT count(*) FROM article WHERE price > 1"))[1] == [2]

    @pytest.mark.parametrize("query", OF_SQLITE, ids=range(len(OF_SQLITE)))
    async def test_on_sqlite_are_refused(self, lite: str, settings: Any, query: str) -> None:
        given(settings, {"shop": lite})
        with pytest.raises(Refused):
            await ask(query)
        assert not Path("/tmp/stolen.sqlite3").exists()  # noqa: S108, ASYNC240
        assert (await ask("SELECT count(*) FROM article"))[1] == [2]

    @pytest.mark.parametrize("query", OF_POSTGRESQL, ids=range(len(OF_POSTGRESQL)))
    async def test_on_postgresql_are_refused(self, big: tuple[str, str], settings: Any, query: str) -> None:
        given(settings, {"shop": big[1]})
        with pytest.raises(Refused):
            await ask(query)
        assert (await ask("SELECT count(*) FROM article"))[1] == [2]

    async def test_of_a_superuser_are_none_since_it_is_not_asked(self, big: tuple[str, str], settings: Any) -> None:
        given(settings, {"shop": big[0]})
        with pytest.raises(Refused, match="its role is a superuser"):
            await ask("SELECT 1")
        with pytest.raises(Refused, match="its role is a superuser"):
            await tables()

    async def test_hold_nobody_up(self, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(databases, "SECONDS", 1)
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        with pytest.raises(Refused, match="was broken off after 1 seconds"):
            await ask(endless)

    async def test_that_turn_the_clock_off_are_ended_all_the_same(
        self, big: tuple[str, str], settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(databases, "SECONDS", 1)
        given(settings, {"shop": big[1]})
        with pytest.raises(Refused, match="was broken off after 1 seconds"):
            await ask("SELECT set_config('statement_timeout', '0', false), pg_sleep(600)")

    async def test_leave_no_traces_in_a_database_that_is_not_there(self, settings: Any, tmp_path: Path) -> None:
        given(settings, {"shop": f"sqlite:///{tmp_path / 'new.sqlite3'}"})
        with pytest.raises(Refused, match="cannot be opened now"):
            await ask("SELECT 1")
        assert os.listdir(tmp_path) == []  # noqa: PTH208 - which waits for nothing


async def test_a_question_ends_with_whoever_asked(big: tuple[str, str], settings: Any) -> None:
    given(settings, {"shop": big[1]})
    asked = asyncio.ensure_future(ask("SELECT pg_sleep(600)"))
    sleeping = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'agentos-sql' AND query LIKE 'FETCH%' AND state = 'active'"

    async def wait(is_there: bool) -> None:
        while bool(await asyncio.to_thread(_found, big[0], sleeping)) is not is_there:
            pass

    await wait(True)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await wait(False)


def _found(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchone()


class TestSources:
    async def test_are_those_that_were_chosen(self, lite: str, settings: Any) -> None:
        given(settings, {"shop": lite, "books": lite, "staff": lite}, chosen=["shop", "books", "gone"])
        assert await tables() == "There are these databases: shop, books. Name one."
        assert (await ask("SELECT 1", source="books"))[1] == [1]
        with pytest.raises(Refused, match="There is no database 'staff' for this agent; there is shop, books"):
            await ask("SELECT 1", source="staff")
        with pytest.raises(Refused, match="There is no database ''"):
            await ask("SELECT 1")

    async def test_are_none_unless_chosen(self, lite: str, settings: Any) -> None:
        given(settings, {"shop": lite}, chosen=[])
        with pytest.raises(Refused, match="No database has been chosen"):
            await tables()

    async def test_that_are_away_are_a_sentence_without_their_address(self, settings: Any) -> None:
        given(settings, {"shop": "postgres://me:hunter2@127.0.0.1:9/none"})
        with pytest.raises(Refused) as refused:
            await ask("SELECT 1")
        assert str(refused.value) == "The database cannot be reached now."

    def test_make_an_agent_private(self, lite: str, settings: Any) -> None:
        given(settings, {"shop": lite})
        assert current.get().is_private

    def test_are_missing_without_the_setting(self, settings: Any) -> None:
        settings.AGENTOS_SQL_SOURCES = []
        assert "AGENTOS_SQL_SOURCES" in sql.needs()

    @pytest.mark.parametrize(
        "wrong",
        [
            "shop",
            "shop=",
            "=postgres://a/b",
            "Shop=postgres://a/b",
            "a b=postgres://a/b",
            "shop=mysql://me:hunter2@a/b",
            "shop=postgres://:x/",
        ],
    )
    def test_that_are_wrong_are_told_without_their_password(self, wrong: str) -> None:
        said = Sources((), "").objection([wrong])
        assert said.startswith("must be like shop=")
        assert "hunter2" not in said

    def test_that_are_right_are_taken(self) -> None:
        kind = Sources((), "")
        assert kind.objection(kind.parse("shop=postgres://r:%2C@h/s, stock-1=sqlite:////srv/s.sqlite3")) == ""
