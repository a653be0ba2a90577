"""A copy of a SQLite database, made by its own interface for that: whole, while others write."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from agentos.core.starting.refusal import CannotStart

FILE = "agentos.sqlite3"
WAIT_SECONDS = 20.0


def dump(database: Path, to: Path) -> tuple[dict[str, int], list[list[str]]]:
    """Copy it, and return the rows of each table of the copy, and its migrations."""
    if not database.is_file():
        raise CannotStart(f"There is no database {database} yet: nothing to back up.")
    to.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=WAIT_SECONDS)) as source,
        closing(sqlite3.connect(to)) as copy,
    ):
        source.backup(copy)  # in one step: nobody's write is waited for, and none is half in it
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without others beside it
    return look(to)


def look(database: Path) -> tuple[dict[str, int], list[list[str]]]:
    """Return the rows of each table, and the migrations. Raises CannotStart for a damaged database."""
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as copy:
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise CannotStart(f"The database is damaged ({found}): it cannot be backed up as it is. Look at docs/troubleshooting.md.")
        names = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        counts = {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(names)}  # noqa: S608 - its own names
        applied = "SELECT app, name FROM django_migrations ORDER BY app, name"
        return counts, [list(row) for row in copy.execute(applied)] if "django_migrations" in counts else []
