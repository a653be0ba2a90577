"""Database work from the event loop: in threads of our own or, when it is next to nothing, on the loop. Idle streams hold no connection."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections, transaction

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4

Waiting = list[tuple[Callable[[], Any], "Future[Any]"]]


class _Pools:
    """Made at first use: SQLite has one writer at a time, so all of the engine's writes share one thread."""

    readers: ThreadPoolExecutor | None = None
    writer: ThreadPoolExecutor | None = None
    lock = threading.Lock()
    waiting: Waiting = []  # noqa: RUF012 - one list for all, under the lock


async def read(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a reader's thread."""
    if _Pools.readers is None:
        _Pools.readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
    return await asyncio.get_running_loop().run_in_executor(_Pools.readers, partial(_call, work, *args, **kwargs))


async def look(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work``, a few short reads, where it is cheapest: on SQLite right here, since the way to a thread and back costs more
    than they do and no writer holds up a reader; with a server to wait for, in a reader's thread."""
    if not _is_sqlite():
        return await read(work, *args, **kwargs)
    return _here(partial(_call, work, *args, **kwargs))


@cache
def _is_sqlite() -> bool:
    return _here(lambda: connections["default"].vendor == "sqlite")


def _here(work: Callable[[], T]) -> T:
    """Run ``work`` as synchronous code, which it is: until it is done, this thread's loop does not run.

    Django then gives it the thread's connection, and not one for each task.
    """
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)  # noqa: SLF001 - public to event loops
    try:
        return work()
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001


async def write(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in the writer's thread, after what was asked of it before."""
    return await asyncio.get_running_loop().run_in_executor(_writer(), partial(_call, work, *args, **kwargs))


async def write_together(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same; on SQLite what gathers while the writer is busy becomes one transaction, since every commit waits for the disk.

    ``work`` may be done again, alone, when something else in its transaction failed.
    """
    future: Future[T] = Future()
    with _Pools.lock:
        _Pools.waiting.append((partial(work, *args, **kwargs), future))
        is_first = len(_Pools.waiting) == 1
    if is_first:
        _writer().submit(_call, _write_waiting)
    return await asyncio.wrap_future(future)


def _writer() -> ThreadPoolExecutor:
    if _Pools.writer is None:
        _Pools.writer = ThreadPoolExecutor(1, thread_name_prefix="db-write")
    return _Pools.writer


def _write_waiting() -> None:
    with _Pools.lock:
        taken, _Pools.waiting = _Pools.waiting, []
    taken = [(work, future) for work, future in taken if future.set_running_or_notify_cancel()]
    if len(taken) > 1 and connections["default"].vendor == "sqlite" and _written_as_one(taken):
        return
    for work, future in taken:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the work
            future.set_exception(error)


def _written_as_one(taken: Waiting) -> bool:
    """Return False when nothing of it was stored."""
    stored: list[bool] = []
    results: list[Any] = []
    with contextlib.suppress(Exception), transaction.atomic():
        transaction.on_commit(lambda: stored.append(True))  # the first of the hooks: whatever the others do, it is stored
        results = [work() for work, _ in taken]
    if stored:
        for (_, future), result in zip(taken, results, strict=True):
            future.set_result(result)
    return bool(stored)


def close() -> None:
    """End the threads, and this loop's own connection. Whoever copies the database file of a stopped server has everything."""
    for pool in (_Pools.readers, _Pools.writer):
        if pool is not None:
            pool.submit(connections.close_all)
            pool.shutdown(wait=True, cancel_futures=False)
    _Pools.readers = _Pools.writer = None
    if asyncio._get_running_loop():  # noqa: SLF001 - as get_running_loop, but gives None where there is none
        _here(_leave)


def _leave() -> None:
    connection = connections["default"]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what is only in its log so far
    connections.close_all()


def _call(work: Callable[..., T], *args: object, **kwargs: object) -> T:
    connection = connections["default"]
    try:
        return work(*args, **kwargs)
    except Exception:
        # A connection that broke in the middle must not be met again by the next piece of work.
        connection.close_if_unusable_or_obsolete()
        raise
    finally:
        if connection.vendor != "sqlite":
            connection.close()  # back to psycopg's pool
