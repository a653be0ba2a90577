"""`agentos move`: from SQLite to PostgreSQL with every row of every table, or with none."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests import postgres
from tests.operations.backups import done, manage, refused
from tests.server import ROOT

EVERYTHING = 'SELECT * FROM "{}" ORDER BY 1'

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("populated") / "data"
    done(manage(data, "migrate", "-v", "0"))
    env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_LOCAL_MODEL": "0", "AGENTOS_DATA_DIR": str(data)}
    command = [sys.executable, "-m", "tests.operations.populate"]
    made = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr
    return data


@pytest.fixture
def data(populated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(populated, tmp_path / "data"))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="module")
def migrated(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database to make others after."""
    name = f"agentos_template_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    done(manage(tmp_path_factory.mktemp("template"), "migrate", "-v", "0", DATABASE_URL=address(server, name)))
    return name


@pytest.fixture
def target(server: str, migrated: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty, migrated database."""
    name = sql.Identifier(f"agentos_target_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**9}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(migrated)))
        yield address(server, name._obj[0])
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


SEARCH_ON_SQLITE = ("knowledge_fts", "knowledge_words")


def address(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def of_sqlite(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(data / "agentos.sqlite3")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        ours = [name for name in names if name != "django_migrations" and not name.startswith(SEARCH_ON_SQLITE)]
        return {name: database.execute(EVERYTHING.format(name)).fetchall() for name in ours}


def of_postgresql(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]
        return {
            name: (connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone() or (0,))[0]
            for name in names
            if name != "django_migrations"
        }


def is_empty(url: str) -> bool:
    return {name for name, count in of_postgresql(url).items() if count} == {"auth_permission", "django_content_type"}


def test_brings_every_row_of_every_table_and_goes_on_from_there(data: Path, target: str) -> None:
    said = done(manage(data, "agentos_move", "--to", target))
    there = {name: len(rows) for name, rows in of_sqlite(data).items()}
    assert min(there.values()) > 0, {name for name, count in there.items() if not count}
    assert {name: of_postgresql(target).get(name) for name in there} == there
    assert f"{sum(there.values())} rows of {len(there)} tables" in said
    with closing(sqlite3.connect(data / "agentos.sqlite3")) as database, psycopg.connect(target) as connection:
        query = "SELECT run_id, input, answer, by_id, turn FROM chat_run ORDER BY id"
        assert connection.execute(query).fetchall() == database.execute(query).fetchall()
        (here,) = database.execute("SELECT messages FROM chat_run WHERE messages <> '[]'").fetchone()
        found = connection.execute("SELECT messages FROM chat_run WHERE messages <> '[]' LIMIT 1").fetchone()
        assert found
        assert found[0] == json.loads(here)
        (picture,) = database.execute("SELECT picture FROM access_preferences").fetchone()
        (moved,) = connection.execute("SELECT picture FROM access_preferences").fetchone() or (b"",)
        assert bytes(moved) == picture
        # What SQLite keeps in tables of their own for the search, PostgreSQL makes from the rows.
        assert connection.execute("SELECT count(*) FROM knowledge_chunk WHERE words = '' OR words IS NULL").fetchone() == (0,)
    # The next row gets a key that nobody has.
    code = "from tests.factories import RunFactory as R; print('made', R(session__user__email='a@b.de', session__agent__agent_id='b').pk)"
    assert "made" in done(manage(data, "shell", "--no-imports", "-c", code, DATABASE_URL=target))


def test_moves_nothing_when_anything_does_not_fit(data: Path, target: str) -> None:
    with closing(sqlite3.connect(data / "agentos.sqlite3")) as database:
        database.execute("UPDATE agents_djangoagent SET agent_id = agent_id || ?", ["x" * 300])  # SQLite does not look at lengths
        database.commit()
    said = manage(data, "agentos_move", "--to", target)
    assert said.returncode == 1
    assert "A row of agents_djangoagent does not fit into PostgreSQL" in said.stderr
    assert "Traceback" not in said.stderr
    assert is_empty(target)
    with closing(sqlite3.connect(data / "agentos.sqlite3")) as database:
        database.execute("UPDATE agents_djangoagent SET agent_id = replace(agent_id, 'x', '')")
        database.commit()
    done(manage(data, "agentos_move", "--to", target))  # starting over


ARRIVES_OTHERWISE = """
from django.db import connections
from agentos.operations import moving
copy = moving._copy
def otherwise(model):
    copy(model)
    if model._meta.label == "access.User":
        connections[moving.ALIAS].cursor().execute("UPDATE access_user SET name = name || '.' WHERE id = 1")
moving._copy = otherwise
try:
    moving.move({url!r})
except moving.CannotStart as error:
    print("refused:", error)
"""


def test_moves_nothing_when_anything_arrives_otherwise(data: Path, target: str) -> None:
    said = done(manage(data, "shell", "--no-imports", "-c", ARRIVES_OTHERWISE.format(url=target)))
    assert "refused: access_user did not arrive as it was" in said
    assert is_empty(target)


def test_refuses_a_target_that_is_not_empty(data: Path, target: str, tmp_path: Path) -> None:
    done(
        manage(tmp_path / "x", "shell", "--no-imports", "-c", "from tests.factories import UserFactory; UserFactory()", DATABASE_URL=target)
    )
    assert "The target is not empty: there are rows in access_user" in refused(manage(data, "agentos_move", "--to", target))
    assert of_postgresql(target)["chat_run"] == 0


def test_refuses_while_somebody_works_on_either_side(data: Path, target: str) -> None:
    with psycopg.connect(target):
        assert "Others are connected to the target" in refused(manage(data, "agentos_move", "--to", target))
    code = f"from pathlib import Path; from agentos.core.starting import lock; lock.take(Path({str(data / 'agentos.sqlite3')!r}));"
    command = [sys.executable, "-c", f"{code} print('held', flush=True); input()"]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    try:
        assert f"process {holder.pid}" in refused(manage(data, "agentos_move", "--to", target))
    finally:
        holder.communicate("\n")
    assert is_empty(target)


def test_refuses_what_is_no_target(data: Path, server: str, target: str) -> None:
    assert "has no tables yet" in refused(manage(data, "agentos_move", "--to", server))
    assert "has to be an address" in refused(manage(data, "agentos_move", "--to", "mysql://a:secret@b/c"))
    nowhere = refused(manage(data, "agentos_move", "--to", "postgres://me:secret@127.0.0.1:9/none"))
    assert "PostgreSQL cannot be used" in nowhere
    assert "secret" not in nowhere
    assert "not on SQLite" in refused(manage(data, "agentos_move", "--to", target, DATABASE_URL=target))
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'chat' AND name = '0010_searchable'")
    assert "another version: chat.0010_searchable is only here" in refused(manage(data, "agentos_move", "--to", target))
