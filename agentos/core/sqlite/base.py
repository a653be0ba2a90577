"""SQLite has one writer at a time, and lets the others poll: under load the unlucky ones wait for seconds, or fail.

Here a transaction first takes a lock of the process, so that the next in line goes on at once. Between processes SQLite's
own busy timeout holds.
"""

import threading
from typing import Any

from django.db.backends.sqlite3.base import DatabaseWrapper as Sqlite
from django.db.utils import OperationalError

WAIT_SECONDS = 30.0

_writing = threading.Lock()


class DatabaseWrapper(Sqlite):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._may_write = False

    def _start_transaction_under_autocommit(self) -> None:
        if not _writing.acquire(timeout=WAIT_SECONDS):
            msg = f"Other transactions of this process did not end within {WAIT_SECONDS:.0f} s."
            raise OperationalError(msg)
        self._may_write = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._let_others_write()
            raise

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
