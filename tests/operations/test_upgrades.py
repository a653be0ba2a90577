"""A database that an older version has filled is brought up to date with everything in it, on SQLite and on PostgreSQL."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests import postgres
from tests.operations.backups import done, manage
from tests.operations.old_database import TURNS
from tests.server import ROOT

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
CHATS = 30


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings that name a new database."""
    if request.param == "sqlite":
        yield {}
        return
    name = f"agentos_old_{time.time_ns()}"
    with postgres.server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {"DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}"))}
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("alias", ["default", "other"])
def test_loses_nothing(database: dict[str, str], alias: str, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_LOCAL_MODEL": "0", "AGENTOS_DATA_DIR": str(tmp_path), **database}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "tests.operations.old_database", *words]
        found = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert found.returncode == 0, found.stderr
        return found.stdout

    run("make", str(CHATS))
    if alias != "default":
        run("migrate-as-other")  # then there is nothing left to do, but to look
    found: dict[str, Any] = json.loads(run("migrate"))
    runs = CHATS * (TURNS + 1)
    assert found["before"] == found["after"] == {**found["before"], "chat_run": runs, "chat_chatsession": CHATS, "access_user": 1}
    assert found["messages"] == found["searchable"] == runs
    assert found["titles"] == CHATS
    assert found["versions"] == [[False, 2, 2], [True, 1, 2]]
    assert found["unlinked"] == 0
    assert found["made"] == ["made-by-it"]
    done(manage(tmp_path, "migrate", "--check", **database))
    assert done(
        manage(tmp_path, "shell", "--no-imports", "-c", "from tests.factories import RunFactory; print(RunFactory().pk)", **database)
    )
