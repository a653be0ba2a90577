"""What went wrong outside of the program, in one sentence for whoever started it: files, disks, databases, settings."""

import contextlib
import errno
import os
import sqlite3
import sys
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from agentos.core.starting import migrations
from agentos.core.starting.refusal import CannotStart
from agentos.core.starting.sqlite import MEND

FULL = {errno.ENOSPC, errno.EDQUOT}
MISSING = ("no such table", "no such column")  # what SQLite says
UNDEFINED = {"UndefinedTable", "UndefinedColumn"}  # what psycopg raises
SQLITE = {
    sqlite3.SQLITE_NOTADB: "The database file {path} is damaged: it is no SQLite database. {mend}",
    sqlite3.SQLITE_CORRUPT: "The database file {path} is damaged. {mend}",
    sqlite3.SQLITE_FULL: "The disk is full: the database {path} cannot be written. Make room and start again.",
    sqlite3.SQLITE_READONLY: "The database {path} is read-only for {user}. Give the file and its folder to the user that runs this.",
    sqlite3.SQLITE_CANTOPEN: "The database {path} cannot be opened by {user}. Look at its folder: it has to be there and writable.",
    sqlite3.SQLITE_PERM: "The database {path} cannot be opened by {user}. Give the file and its folder to the user that runs this.",
    sqlite3.SQLITE_IOERR: "The database {path} cannot be read or written: the disk fails, or is full.",
    sqlite3.SQLITE_BUSY: "The database {path} is locked by another program.",
}


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Round a whole program: what has a sentence ends it with that, on stderr, and with 1. ``--traceback`` shows where it happened."""
    try:
        yield
    except Exception as error:
        sentence = None if "--traceback" in sys.argv else sentence_for(error)
        if sentence is None:
            raise
        sys.exit(f"agentos: {sentence}")


@contextlib.contextmanager
def said() -> Iterator[None]:
    """Raise CannotStart instead of what has a sentence."""
    try:
        yield
    except Exception as error:
        sentence = sentence_for(error)
        if sentence is None:
            raise
        raise CannotStart(sentence) from error


def sentence_for(error: BaseException) -> str | None:
    """Return what to say of an error, by what caused it; None for one that is the program's own."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, CannotStart | ImproperlyConfigured):
            return str(link)
        if isinstance(link, sqlite3.Error):
            return _of_sqlite(link)
        if type(link).__module__.startswith("psycopg"):
            return _of_postgresql(link)
        if isinstance(link, OSError):
            return _of_files(link)
        link = link.__cause__
    return None


def _of_files(error: OSError) -> str | None:
    if error.errno in FULL:
        return f"The disk is full{f': {error.filename} cannot be written' if error.filename else ''}. Make room and start again."
    if error.filename is None or not error.strerror:
        return None
    return f"{error.filename} cannot be used: {error.strerror}."


def _of_sqlite(error: sqlite3.Error) -> str | None:
    if str(error).startswith(MISSING):
        return _of_migrations()
    found = SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if found is None:
        return None
    path = settings.DATABASES["default"]["NAME"]
    return found.format(path=path, user=f"user {os.geteuid()}", mend=MEND.format(path=path))


def _of_postgresql(error: BaseException) -> str | None:
    if type(error).__name__ in UNDEFINED:
        return _of_migrations()
    from agentos.core.starting import postgresql  # noqa: PLC0415 - who has no PostgreSQL need not load its library

    return postgresql.sentence_for(error)


def _of_migrations() -> str | None:
    """A table or a column is not there: of an old database that is no wonder, of one that is up to date it is our error."""
    try:
        migrations.check()
    except CannotStart as behind:
        return str(behind)
    except Exception:  # noqa: BLE001
        return None
    return None
