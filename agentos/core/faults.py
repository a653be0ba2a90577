"""Faults of what is around the server rather than in it: a full disk, a database that is away, a request for another host.

They come as often as somebody asks, and a traceback says nothing about them: each kind is one line of the log a minute
(``Console``), and whoever asked is told what it is (``core.errors``).
"""

import copy
import errno
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError

from agentos.conf import app_settings
from agentos.core import repeated
from agentos.core.http import request_log

log = logging.getLogger("agentos.server")

DEEP = 10  # errors that one error may come from
NO_ROOM = 1024 * 1024  # bytes that are left on a disk that counts as full
SHOWN = 300  # characters of what an error says
FULL = {errno.ENOSPC, errno.EDQUOT}
NO_FILES = {errno.EMFILE, errno.ENFILE}
GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
OUR_OWN = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT}
POSTGRES_FULL = "53100"


@dataclass(frozen=True, slots=True)
class Fault:
    """``status``, ``code``, ``sentence``: of the answer. ``line``: what the log says; empty: what the error says."""

    kind: str
    status: int
    line: str
    sentence: str = ""
    code: str = ""


DISK_FULL = Fault(
    "disk full",
    507,
    "The disk is full: nothing can be stored until there is room again.",
    "The server's disk is full: nothing new can be stored until there is room again. What was saved is safe. Tell your administrator.",
    "disk_full",
)
FILES = Fault("open files", 503, "No more files may be open (ulimit -n).", "The server is too busy now. Try again in a moment.")
CORRUPT = Fault("damaged database", 503, "The database is damaged. Stop the server, and put back a copy of it that is whole.")
DATABASE = Fault("database", 503, "The database cannot be used now.")
WRONG_HOST = Fault("wrong host", 400, "A request for a host that is not in ALLOWED_HOSTS is refused.")
CLIENT_GONE = Fault("client gone", request_log.CLIENT_GONE, "A client went away.")


def fault_of(error: BaseException | None) -> Fault | None:
    """Return what is wrong around the server when this error says so; None for a defect, of which the log needs all there is."""
    if isinstance(error, DisallowedHost):
        return WRONG_HOST
    if isinstance(error, SuspiciousOperation):
        return Fault(f"refused: {type(error).__name__}", 400, "A request is refused.")
    if isinstance(error, GONE):
        return CLIENT_GONE
    return next((fault for each in _chain(error) if (fault := _of_one(each))), None)


def note(error: Exception, scope: Any) -> None:
    """Write the line of a fault that was answered already."""
    log.warning("Request %s is refused.", scope.get(request_log.ID, "-"), exc_info=error)
    request_log.be_quiet(scope)


class Console(logging.StreamHandler[Any]):
    """Writes the log. A fault is one line of it a minute; an error of a request is told with the request's id."""

    def emit(self, record: logging.LogRecord) -> None:
        shown = in_short(record)
        if shown is not None:
            super().emit(shown)


def in_short(record: logging.LogRecord) -> logging.LogRecord | None:
    """Return what is written of a record; None when enough was said of its kind."""
    error = record.exc_info[1] if record.exc_info else None
    fault = fault_of(error)
    if fault is None:
        return record
    left_out = repeated.is_due(fault.kind)
    if left_out is None:
        return None
    short = copy.copy(record)
    more = f" ({left_out} times more since it was last said.)" if left_out else ""
    said, where = str(error), record.getMessage()
    about = f" {where[:SHOWN]}" if where != said else ""  # Django logs some errors with their own words
    short.msg, short.args = "%s [%s: %s]%s%s", (fault.line, type(error).__name__, ascii(said[:SHOWN])[1:-1], about, more)
    short.exc_info = short.exc_text = short.stack_info = None
    return short


def _of_one(error: BaseException) -> Fault | None:
    if isinstance(error, OSError) and error.errno in FULL:
        return DISK_FULL
    if isinstance(error, OSError) and error.errno in NO_FILES:
        return FILES
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    cause = error.__cause__
    if getattr(cause, "sqlstate", "") == POSTGRES_FULL:
        return DISK_FULL
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _of_sqlite(code & 0xFF)
    return DATABASE if isinstance(error, OperationalError | InterfaceError) else None


def _of_sqlite(code: int) -> Fault | None:
    if code in OUR_OWN:
        return None
    if code == sqlite3.SQLITE_FULL:
        return DISK_FULL
    if code in DAMAGED:
        return CORRUPT
    is_about_files = code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
    return DISK_FULL if is_about_files and _is_full() else DATABASE


def _is_full() -> bool:
    try:
        return shutil.disk_usage(app_settings.DATA_DIR).free < NO_ROOM
    except OSError:
        return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(DEEP):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
