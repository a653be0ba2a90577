"""The database's clock, by which leases are given and found to be over: processes that share a database agree on it.

It is asked now and then, and counted on by a clock that nobody sets: a computer whose time is wrong, or is put right by an hour, neither
loses its leases nor takes those of others. SQLite has no clock of its own: there it is this process's, as it was at first.
"""

import time
from datetime import UTC, datetime, timedelta

from django.db import connection

from agentos.core import clock


class _Known:
    """What the database said, and when, by the clock that nobody sets."""

    last: tuple[datetime, float] | None = None


def now() -> datetime:
    """Return the database's time. No query, but for the first."""
    if _Known.last is None:
        return ask()
    said, at = _Known.last
    return said + timedelta(seconds=time.monotonic() - at)


def ask() -> datetime:
    """Return the database's time as it says it now. Database work."""
    if connection.vendor != "postgresql":
        if _Known.last is None:
            _Known.last = clock.now(), time.monotonic()
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        said: datetime = cursor.fetchone()[0]
    _Known.last = said.astimezone(UTC), time.monotonic()
    return _Known.last[0]


def forget() -> None:
    _Known.last = None
