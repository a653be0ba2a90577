"""Databases that can only be read: SQLite and PostgreSQL, each with its own locks, since no look at the text of a query is one.

A connection is made for one question and closed after it. Every question has a deadline.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg.rows import tuple_row

ROWS = 200
SECONDS = 10
CONNECT_SECONDS = 5
LENGTH = 1_000_000  # bytes of one value, in SQLite
STEPS = 10_000  # of SQLite's machine between two looks at the clock
ERROR_LIMIT = 400  # characters

TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})
HIDDEN = ("sqlite_", "pragma_")  # how tables begin that are none of the database's own
FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})

# A role that may do these reads and writes files of the server, or runs programs there, whatever the transaction is.
POWERS = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")


class Trouble(Exception):
    """A question was not answered. The text is a sentence, and has nothing of the address in it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """``is_cut``: there are more."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool


class Database(Protocol):
    def tables(self) -> Mapping[str, list[str]]:
        """Return the columns of each table and view that may be read, with their types. Raises Trouble."""

    def rows(self, query: str) -> Rows:
        """Raises Trouble."""

    def stop(self) -> None:
        """Break off what another thread asks. Never raises."""


def of(url: str) -> Database:
    """Return the database at an address."""
    return SQLite(url) if urlsplit(url).scheme == "sqlite" else PostgreSQL(url)


class SQLite:
    def __init__(self, url: str) -> None:
        self._path = Path(unquote(url.removeprefix("sqlite:///")))
        self._connection: sqlite3.Connection | None = None

    def tables(self) -> Mapping[str, list[str]]:
        with self._opened() as connection:
            return {name: _columns_of(connection, name) for name in _names(connection)}

    def rows(self, query: str) -> Rows:
        with self._opened() as connection:
            connection.set_authorizer(_authorizer(_names(connection)))
            deadline = time.monotonic() + SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            with closing(connection.execute(query)) as cursor:
                if cursor.description is None:
                    raise Trouble("That is no question: only a SELECT can be asked.")
                found = cursor.fetchmany(ROWS + 1)
                return Rows([column[0] for column in cursor.description], found[:ROWS], len(found) > ROWS)

    def stop(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection:
                self._connection.interrupt()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(f"file:{quote(str(self._path))}?mode=ro", uri=True, timeout=CONNECT_SECONDS, check_same_thread=False)
            ) as connection:
                self._connection = connection
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                connection.execute("PRAGMA query_only = ON")
                connection.execute("PRAGMA trusted_schema = OFF")
                _limit(connection)
                yield connection
        except (sqlite3.Error, sqlite3.Warning, UnicodeError) as error:
            raise Trouble(_sentence_of_sqlite(error)) from None


def _limit(connection: sqlite3.Connection) -> None:
    for what, most in (
        (sqlite3.SQLITE_LIMIT_LENGTH, LENGTH),
        (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200),
        (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
        (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
    ):
        connection.setlimit(what, most)


def _names(connection: sqlite3.Connection) -> list[str]:
    listed = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    return sorted(name for (name,) in listed)


def _columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    return [f"{name} {kind}".strip() for name, kind in connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))]


def _authorizer(tables: list[str]) -> Callable[..., int]:
    readable = {name.lower() for name in tables} | TABLE_FUNCTIONS

    def allows(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
        if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and first is not None:
            # Without a column it may be a name of the query's own (WITH n AS ...), of which rows are only counted.
            is_own = not second and not first.lower().startswith(HIDDEN)
            return sqlite3.SQLITE_OK if is_own or first.lower() in readable else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and second is not None and second.lower() not in FORBIDDEN_FUNCTIONS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return allows


def _sentence_of_sqlite(error: Exception) -> str:
    said = str(error)
    if "interrupted" in said:
        return f"The question was broken off after {SECONDS} seconds. Ask for less."
    if "unable to open" in said:
        return "The database cannot be opened now."
    if "not authorized" in said or "prohibited" in said:
        return f"Only tables of this database can be read, by one SELECT: {said[:ERROR_LIMIT]}."
    return f"The database said: {said[:ERROR_LIMIT]}"


class PostgreSQL:
    """A query is the text of a cursor in a transaction that only reads: what is no SELECT, and what are two of them, the server refuses."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def tables(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        with self._opened() as connection:
            for schema, table, column, kind in connection.execute(TABLES):
                name = table if schema == "public" else f"{schema}.{table}"
                found.setdefault(name, []).append(f"{column} {kind}")
        return found

    def rows(self, query: str) -> Rows:
        with self._opened() as connection, connection.cursor(name="asked") as cursor:
            cursor.execute(query.strip().rstrip(";").encode())
            found = cursor.fetchmany(ROWS + 1)  # once: a function in the query might set another time limit for the next
            return Rows([column.name for column in cursor.description or ()], found[:ROWS], len(found) > ROWS)

    def stop(self) -> None:
        with contextlib.suppress(psycopg.Error):
            if self._connection:
                self._connection.cancel_safe(timeout=CONNECT_SECONDS)

    @contextmanager
    def _opened(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            connection = psycopg.connect(self._url, connect_timeout=CONNECT_SECONDS, application_name="agentos-sql", row_factory=tuple_row)
        except (psycopg.Error, UnicodeError):
            raise Trouble("The database cannot be reached now.") from None
        self._connection = connection
        try:
            connection.read_only = True
            for setting in (f"statement_timeout = {SECONDS * 1000}", "lock_timeout = 2000", "idle_in_transaction_session_timeout = 60000"):
                connection.execute(f"SET LOCAL {setting}".encode())
            if connection.execute(POWERFUL, (list(POWERS),)).fetchone():
                raise Trouble("This database is not asked: its role is a superuser or may read files. Use one that may only SELECT.")
            yield connection
        except psycopg.Error as error:
            raise Trouble(_sentence_of_postgresql(error)) from None
        finally:
            with contextlib.suppress(psycopg.Error):
                connection.rollback()
            connection.close()


TABLES = """
    SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
      AND has_table_privilege(format('%I.%I', table_schema, table_name), 'SELECT')
    ORDER BY table_schema, table_name, ordinal_position LIMIT 5000
"""
POWERFUL = """
    SELECT 1 FROM pg_roles WHERE rolname = current_user
      AND (rolsuper OR EXISTS (
        SELECT 1 FROM pg_roles power WHERE power.rolname = ANY(%s) AND pg_has_role(current_user, power.oid, 'MEMBER')))
"""


def _sentence_of_postgresql(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return f"The question was broken off after {SECONDS} seconds. Ask for less."
    said = (error.diag.message_primary or type(error).__name__)[:ERROR_LIMIT]
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InsufficientPrivilege):
        return f"Only what this role may read can be asked for: {said}."
    return f"The database said: {said}. It takes one SELECT."
