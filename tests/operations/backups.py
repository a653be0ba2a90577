"""Installations for the tests of backups: `manage.py` as a person calls it, on SQLite and on PostgreSQL."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from tests.server import ROOT

SECONDS = 120
PROGRAMS = ("initdb", "pg_ctl", "pg_dump", "pg_restore")


def tools() -> Path | None:
    """Where a PostgreSQL is that has both a server and its own pg_dump: the embedded one of the other tests has another's."""
    found = [Path(shutil.which("initdb") or "/").parent, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return next((folder for folder in found if all((folder / name).exists() for name in PROGRAMS)), None)


def path_with_tools() -> str:
    folder = tools()
    return f"{folder}{os.pathsep}{os.environ['PATH']}" if folder else os.environ["PATH"]


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a PostgreSQL server that the pg_dump of ``path_with_tools`` speaks to; the test is skipped where there is none."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    folder = tools()
    if folder is None or (os.geteuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}):
        pytest.skip("There is no PostgreSQL with a pg_dump of its own on this machine.")
    user: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}  # the server refuses to be run by root
    with tempfile.TemporaryDirectory(prefix="agentos-pg-") as name:
        data = Path(name) / "data"
        data.mkdir()
        if user:
            Path(name).chmod(0o755)
            shutil.chown(data, "postgres")

        def run(*words: str) -> None:
            subprocess.run([str(folder / words[0]), *words[1:]], check=True, stdout=subprocess.DEVNULL, cwd=name, **user)

        run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        run("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", f"-k {data} -c listen_addresses=''", "start")
        try:
            yield f"postgres://postgres@{quote(str(data), safe='')}/postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@contextmanager
def databases(*names: str) -> Iterator[list[str]]:
    """Give the URLs of new databases."""
    stamp = time.time_ns()
    with server() as url:
        made = [f"agentos_{name}_{stamp}" for name in names]
        with psycopg.connect(url, autocommit=True) as connection:
            for name in made:
                connection.execute(f"CREATE DATABASE {name}")
        try:
            yield [urlunsplit(urlsplit(url)._replace(path=f"/{name}")) for name in made]
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                for name in made:
                    connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(data: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": path_with_tools(), "AGENTOS_LOCAL": "1", "AGENTOS_LOCAL_MODEL": "0", "AGENTOS_SCRIPTED_MODELS": "1"}
    env |= {"AGENTOS_DATA_DIR": str(data), **more}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)


def done(found: "subprocess.CompletedProcess[str]") -> str:
    """What a command that went well has said."""
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr


def refused(found: "subprocess.CompletedProcess[str]") -> str:
    """The sentence that a command ended with."""
    assert found.returncode not in {0, None}, found.stdout
    assert "Traceback" not in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1, found.stderr
    return found.stderr
