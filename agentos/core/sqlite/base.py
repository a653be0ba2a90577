"""SQLite has one writer at a time, and lets the others poll: under load the unlucky ones wait for seconds, or fail.

Here a transaction first takes a lock of the process, so that the next in line goes on at once. Between processes SQLite's
own busy timeout holds. ``without_waiting`` is for those who cannot stand in line.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3.base import DatabaseWrapper as Sqlite
from django.db.backends.sqlite3.base import SQLiteCursorWrapper
from django.db.backends.sqlite3.operations import DatabaseOperations
from django.db.utils import OperationalError

WAIT_SECONDS = 30.0
STATEMENTS = 500  # that are kept as SQLite takes them

_writing = threading.Lock()


class WouldWait(BaseException):
    """Somebody else is writing, and this thread may not wait. What it was about to do has changed nothing yet.

    A BaseException, as a task's cancellation is: nobody on the way takes it for an error of the work.
    """


class Operations(DatabaseOperations):
    """Moments are stored as Django stores them, in UTC; from and to what they nearly always are there is a shorter way."""

    def adapt_datetimefield_value(self, value: Any) -> Any:
        if type(value) is datetime and value.tzinfo is UTC:
            return str(value.replace(tzinfo=None))
        return super().adapt_datetimefield_value(value)

    def convert_datetimefield_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if type(value) is datetime and value.tzinfo is None:  # Django has read it already
            return value.replace(tzinfo=UTC)
        return super().convert_datetimefield_value(value, expression, connection)


class Cursor(SQLiteCursorWrapper):
    owner: "DatabaseWrapper"

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        if param_names is not None:
            return str(super().convert_query(query, param_names=param_names))  # type: ignore[misc]  # not in the stubs
        return _with_question_marks(query)

    def execute(self, query: str, params: Any = None) -> Any:
        try:
            return super().execute(query, params)
        except sqlite3.OperationalError as error:
            self.owner.wait_after_all(error)
            return super().execute(query, params)


@lru_cache(STATEMENTS)
def _with_question_marks(query: str) -> str:
    """Django's placeholders as SQLite's, which takes longer than many a statement."""
    return str(SQLiteCursorWrapper.convert_query(None, query))  # type: ignore[attr-defined]  # it needs no cursor


class DatabaseWrapper(Sqlite):
    ops_class = Operations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._may_write = False
        self.changed_before: int | None = None  # while it may not wait: the rows that were changed before
        self._leaves_log: Any = None  # the connection that was told so

    def create_cursor(self, name: Any = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        cursor.owner = self
        return cursor

    def run(self, sql: str, params: Sequence[Any]) -> list[Any]:
        """One statement and its rows, past the wrappers of Django's cursors; not past those who count or note statements."""
        if self.execute_wrappers or self.queries_logged:
            with self.cursor() as counted:
                return list(counted.execute(sql, params))
        self.ensure_connection()
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            try:
                found = self.connection.execute(_with_question_marks(sql), params)
            except sqlite3.OperationalError as error:
                self.wait_after_all(error)
                found = self.connection.execute(_with_question_marks(sql), params)
            rows: list[Any] = found.fetchall()
        return rows

    @contextlib.contextmanager
    def without_waiting(self) -> Iterator[None]:
        """What would have to wait for another writer raises WouldWait; unless something is changed already, which is not to be
        done twice: then it waits after all. Nor does a commit write the log back into the database: see ``write_back``."""
        if _writing.locked() and not self._may_write:
            raise WouldWait  # before anything is done in vain, or counted twice

        self.ensure_connection()
        self.changed_before = self.connection.total_changes
        self.connection.execute("PRAGMA busy_timeout = 0")
        if self.connection is not self._leaves_log:
            self._leaves_log = self.connection
            self.connection.execute("PRAGMA wal_autocheckpoint = 0")
        try:
            yield
        finally:
            self._wait_again()

    def wait_after_all(self, error: sqlite3.OperationalError) -> None:
        """Raises the error, unless it is that this connection may not wait; then as ``wait_from_now_on``."""
        code = getattr(error, "sqlite_errorcode", 0)  # none where it is not SQLite that complains
        if code & 0xFF != sqlite3.SQLITE_BUSY or self.changed_before is None:
            raise error
        self.wait_from_now_on()

    def wait_from_now_on(self) -> None:
        """Raises WouldWait when nothing was changed yet."""
        if self.connection.total_changes == self.changed_before:
            raise WouldWait
        self._wait_again()

    def _wait_again(self) -> None:
        if self.changed_before is not None:
            self.changed_before = None
            if self.connection is not None:
                seconds = self.settings_dict["OPTIONS"].get("timeout", 5)
                self.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def write_back(self, *, whole: bool = False) -> None:
        """Write what is only in SQLite's log so far into the database file; ``whole``: and empty the log."""
        with self.cursor() as cursor:
            cursor.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if whole else 'PASSIVE'})")

    def _start_transaction_under_autocommit(self) -> None:
        if not _writing.acquire(blocking=False):
            if self.changed_before is not None:
                self.wait_from_now_on()
            if not _writing.acquire(timeout=WAIT_SECONDS):
                msg = f"Other transactions of this process did not end within {WAIT_SECONDS:.0f} s."
                raise OperationalError(msg)
        self._may_write = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._let_others_write()
            raise

    def close_if_unusable_or_obsolete(self) -> None:
        """Asked at the beginning and the end of each request: not in the middle of a transaction that is several requests'."""
        if not self.in_atomic_block:
            super().close_if_unusable_or_obsolete()

    def _savepoint(self, sid: str) -> None:
        self.run(self.ops.savepoint_create_sql(sid), ())

    def _savepoint_commit(self, sid: str) -> None:
        self.run(self.ops.savepoint_commit_sql(sid), ())

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._let_others_write()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._let_others_write()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._let_others_write()

    def _let_others_write(self) -> None:
        if self._may_write:
            self._may_write = False
            _writing.release()
