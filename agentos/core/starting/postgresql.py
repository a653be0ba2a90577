"""Whether PostgreSQL is there and lets us in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connections

from agentos.core.starting.refusal import CannotStart

CONNECT_SECONDS = 5
MIGRATING = 4_705_140_215  # the number of an advisory lock; any that nobody else uses

# What the server or its library says (the reasons have no codes), and what to do about it.
ADVICE = {
    "password authentication failed": "The user or the password in DATABASE_URL is wrong.",
    "no password supplied": "DATABASE_URL has to carry a password.",
    "no pg_hba.conf entry": "The server does not let this user in from here (pg_hba.conf).",
    "too many": "It has no connection left (max_connections).",
    "starting up": "It is just starting: try again in a moment.",
    "refused": "Is it running, and are host and port in DATABASE_URL right?",
    "No such file": "Is it running, and is the socket's folder in DATABASE_URL right?",
    "translate host name": "Is the host in DATABASE_URL right?",
    "resolve host": "Is the host in DATABASE_URL right?",
    "timeout": "Is it running, and are host and port in DATABASE_URL right?",
    "does not exist": "Create it, or correct DATABASE_URL.",
}


def check() -> None:
    """Raises CannotStart when it is not there, does not let us in, or may not be written."""
    try:
        with psycopg.connect(**_parameters()) as connection:
            row = connection.execute("SHOW transaction_read_only").fetchone()
    except psycopg.Error as error:
        raise CannotStart(_cannot_connect(error)) from None
    if row and row[0] == "on":
        msg = f"PostgreSQL{_where()} can only be read: it is a standby, or set to be read-only. Name the primary one in DATABASE_URL."
        raise CannotStart(msg)


@contextmanager
def alone() -> Iterator[None]:
    """Migrate after the other servers that start at this moment: the database holds the lock, and lets it go when its holder dies."""
    with psycopg.connect(**_parameters(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        yield


def sentence_for(error: BaseException) -> str | None:
    """Of an error that a connection met: None when it is none of the connection itself."""
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return _cannot_connect(error)
    return None


def _parameters() -> dict[str, Any]:
    return {"connect_timeout": CONNECT_SECONDS, **connections["default"].get_connection_params()}


def _cannot_connect(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = (lines or [type(error).__name__])[0].removeprefix("connection failed: ")
    said = said if said.endswith((".", "?")) else f"{said}."
    advice = next((advice for words, advice in ADVICE.items() if words in str(error)), "")
    return f"PostgreSQL{_where()} cannot be used: {said} {advice}".rstrip()


def _where() -> str:
    """Without the user and the password."""
    described = connections["default"].settings_dict
    host, port = described.get("HOST") or "localhost", described.get("PORT")
    return f" ({host}{f':{port}' if port else ''}, database {described['NAME']})"
