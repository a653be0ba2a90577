"""A copy of a PostgreSQL database by ``pg_dump``, of one snapshot whose rows are counted; and back by ``pg_restore``."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from agentos.core.starting.refusal import CannotStart

FILE = "postgresql.dump"
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "service": "PGSERVICE",
}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
EXTENSIONS = "SELECT extname FROM pg_extension WHERE extnamespace = to_regnamespace(quote_ident(%s)) AND extrelocatable"
OTHERS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


def dump(to: Path) -> tuple[dict[str, int], list[list[str]]]:
    """Copy the database, and return the rows of each table of the copy, and its migrations. Raises CannotStart."""
    with _connected() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={to}")
        return look(connection)


def look(connection: Any) -> tuple[dict[str, int], list[list[str]]]:
    names = [name for (name,) in connection.execute(TABLES).fetchall()]
    counts = {name: _one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", name))) for name in names}
    applied = "SELECT app, name FROM public.django_migrations ORDER BY app, name"
    return counts, [list(row) for row in connection.execute(applied).fetchall()] if "django_migrations" in counts else []


def restore(dumped: Path, counts: dict[str, int], *, force: bool, aside: str) -> bool:
    """Put a copy in place of what is there, which is kept in the schema ``aside``. Returns whether there was something.

    Raises CannotStart, and then everything is as it was.
    """
    tool("pg_restore")
    with _connected() as connection:
        if _one(connection, OTHERS):
            raise CannotStart("Others are connected to the database: a server works on it. Stop it first.")
        was_there = bool(connection.execute(TABLES).fetchall())
        if was_there and not force:
            raise CannotStart("The database is not empty. With --force its tables are kept aside, in a schema of their own.")
        if was_there:
            connection.execute(sql.SQL("ALTER SCHEMA public RENAME TO {}").format(sql.Identifier(aside)))
            connection.execute("CREATE SCHEMA public")
        try:
            _move_extensions(connection, aside, "public")  # the copy looks for their types there
            # Only who owns an extension may comment on it. What our own comments say is found again (knowledge/pgvector.py).
            words = ("--no-owner", "--no-privileges", "--no-comments", "--single-transaction", "--exit-on-error")
            _run("pg_restore", *words, "--dbname=", str(dumped))
            _check(look(connection)[0], counts)
        except BaseException:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(aside)))
            _move_extensions(connection, "public", aside)
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO public").format(sql.Identifier(aside)))
            raise
    return was_there


def _move_extensions(connection: Any, schema: str, to: str) -> None:
    for (name,) in connection.execute(EXTENSIONS, [schema]).fetchall():
        connection.execute(sql.SQL("ALTER EXTENSION {} SET SCHEMA {}").format(sql.Identifier(name), sql.Identifier(to)))


def _check(found: dict[str, int], counts: dict[str, int]) -> None:
    if found != counts:
        raise CannotStart("The restored database has not as many rows as the backup. Nothing was changed. Take another one.")


def tool(name: str) -> str:
    """Return where a program of PostgreSQL's is. Raises CannotStart when it is not on this machine."""
    found = shutil.which(name)
    if found is None:
        raise CannotStart(f"{name} is needed and was not found. It comes with PostgreSQL's client: on Debian and Ubuntu postgresql-client.")
    return found


def _run(name: str, *words: str) -> None:
    """Its password does not stand among the words, which everybody on the machine may read."""
    known = connections["default"].get_connection_params()
    named = {variable: str(known[key]) for key, variable in VARIABLES.items() if known.get(key)}
    words = tuple(f"--dbname={known.get('dbname', '')}" if word == "--dbname=" else word for word in words)
    done = subprocess.run([tool(name), *words], env={**os.environ, **named}, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = " ".join(done.stderr.split())[-500:]
        raise CannotStart(f"{name} could not do its work: {said}")


@contextmanager
def _connected() -> Iterator[Any]:
    with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as connection:
        yield connection


def _one(connection: Any, query: Any) -> Any:
    return connection.execute(query).fetchone()[0]
