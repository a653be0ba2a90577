"""Whether the SQLite file is whole, and can be written."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from django.db import connection

from agentos.core.starting.refusal import CannotStart

LOOK_SECONDS = 2.0  # for all that can be found in the time: a start must not take as long as the file is large
MEND = "Put a backup in its place, without files that end in -wal and -shm, or repair it with `sqlite3 {path} .recover`."
STEPS = 10_000  # of SQLite's machine, between two looks at the clock


def database() -> Path | None:
    """Return the file of the database; None for one that is in memory, or no SQLite."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or not name or ":memory:" in name or name.startswith("file:"):
        return None
    return Path(name)


def check() -> None:
    """Raises CannotStart for a damaged file, and SQLite's own errors when it cannot be read or written."""
    connection.ensure_connection()
    found = _look(connection.connection)
    if found != "ok":
        path = connection.settings_dict["NAME"]
        msg = f"The database file {path} is damaged ({found}). {MEND.format(path=path)}"
        raise CannotStart(msg)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA user_version")
        (version,) = cursor.fetchone()
        cursor.execute(f"PRAGMA user_version = {int(version)}")  # written as it was: the disk has room, and the file takes it


def _look(raw: Any) -> str:
    over = time.monotonic() + LOOK_SECONDS
    raw.set_progress_handler(lambda: int(time.monotonic() > over), STEPS)
    try:
        return " ".join(str(raw.execute("PRAGMA quick_check(1)").fetchone()[0]).split())
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return "ok"  # as far as it was read
    finally:
        raw.set_progress_handler(None, STEPS)
