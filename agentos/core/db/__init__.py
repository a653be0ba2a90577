"""Database work from the event loop, in a few threads of our own: some that read, one that writes. Idle streams hold no connection.

Each thread keeps its connection. SQLite has one writer at a time, so all of the engine's writes stand in line for one thread.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4


class _Threads:
    """Made at first use."""

    readers: ThreadPoolExecutor | None = None
    writer: ThreadPoolExecutor | None = None
    broken = 0  # connections so far that were found to be
    kept = threading.local()  # ``broken``, when this thread's connection was last known to be good


async def read(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a reader's thread."""
    if _Threads.readers is None:
        _Threads.readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
    return await asyncio.get_running_loop().run_in_executor(_Threads.readers, partial(keep_connection, work, *args, **kwargs))


async def write(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in the writer's thread, after what was asked of it before."""
    if _Threads.writer is None:
        _Threads.writer = ThreadPoolExecutor(1, thread_name_prefix="db-write")
    return await asyncio.get_running_loop().run_in_executor(_Threads.writer, partial(keep_connection, work, *args, **kwargs))


def keep_connection(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` with the connection of this thread, which stays open unless it broke.

    Where one connection broke, those of the other threads have broken with it, most likely, while nobody used them: each is made anew
    before its next use. Otherwise each of them would fail somebody once.
    """
    connection, broken = connections[DEFAULT_DB_ALIAS], _Threads.broken
    if getattr(_Threads.kept, "broken", 0) != broken:
        connection.close()
        _Threads.kept.broken = broken
    was_open = connection.connection is not None
    try:
        return work(*args, **kwargs)
    finally:
        connection.close_if_unusable_or_obsolete()
        if was_open and connection.connection is None:
            _Threads.broken += 1


def close() -> None:
    """End the threads. Whoever copies the database file of a stopped server has everything."""
    if _Threads.readers is not None:
        end(_Threads.readers, READERS)
    if _Threads.writer is not None:
        end(_Threads.writer, 1, _empty_log)
    _Threads.readers = _Threads.writer = None


def end(threads: ThreadPoolExecutor, count: int, *last: Callable[[], object]) -> None:
    """End so many threads when they have done what was asked of them and what is ``last``, and close the connection of each."""
    all_of_them = threading.Barrier(count)  # so that none takes the turn of another

    def leave() -> None:
        all_of_them.wait()
        try:
            for work in last:
                work()
        finally:
            connections.close_all()

    for _ in range(count):
        threads.submit(leave)
    threads.shutdown(wait=True)


def _empty_log() -> None:
    """Write what is only in SQLite's log so far into the database file, which is then all there is."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
