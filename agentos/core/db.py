"""Database work from the event loop: in threads of our own or, when it is short, on the loop. Idle streams hold no connection."""

import asyncio
import contextlib
import threading
from asyncio import Future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections, transaction

from agentos.core import loops, on_loop
from agentos.core.sqlite.base import WouldWait

__all__ = ["WouldWait", "at_once", "close", "in_turn", "look", "read", "write", "write_together"]

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
MOST_AT_ONCE = 8  # pieces of work on the loop in one transaction
WRITE_BACK_EVERY = 50  # pieces of work on the loop, whose commits leave it to the writer

Waiting = list[tuple[Callable[[], Any], "Future[Any]"]]


class _Pools:
    """Made at first use: SQLite has one writer at a time, so all of the engine's writes share one thread."""

    readers: ThreadPoolExecutor | None = None
    writer: ThreadPoolExecutor | None = None
    lock = threading.Lock()
    waiting: Waiting = []  # noqa: RUF012 - one list for all, under the lock
    called: asyncio.AbstractEventLoop | None = None  # which will write what is waiting
    unwritten = 0


async def read(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a reader's thread."""
    if _Pools.readers is None:
        _Pools.readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
    return await asyncio.get_running_loop().run_in_executor(_Pools.readers, partial(_call, work, *args, **kwargs))


async def look(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work``, a few short reads, where it is cheapest: on SQLite right here, since the way to a thread and back costs more
    than they do and no writer holds up a reader; with a server to wait for, in a reader's thread."""
    if not on_loop.is_sqlite():
        return await read(work, *args, **kwargs)
    return loops.put_by(partial(_call, work, *args, **kwargs))


def at_once(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work``, something short that writes, right here on the loop. Raises WouldWait when it has to be done in a thread instead:
    nothing of it is stored then."""
    done = on_loop.at_once(partial(_call, work, *args, **kwargs))
    _Pools.unwritten += 1
    if _Pools.unwritten >= WRITE_BACK_EVERY:
        _Pools.unwritten = 0
        _writer().submit(_call, _write_back)
    return done


async def in_turn(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for what comes from outside, a hundred at a time perhaps: what flows on the loop must not stop for all of them."""
    async with on_loop.share:
        return at_once(work, *args, **kwargs)


async def write(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in the writer's thread, after what was asked of it before."""
    return await asyncio.get_running_loop().run_in_executor(_writer(), partial(_call, work, *args, **kwargs))


async def write_together(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for something short, where it is cheapest; on SQLite what gathers until it is its turn becomes one transaction, since
    every commit waits for the disk.

    ``work`` may be done again, alone, when something else in its transaction failed.
    """
    loop = asyncio.get_running_loop()
    future: Future[T] = loop.create_future()
    with _Pools.lock:
        _Pools.waiting.append((partial(work, *args, **kwargs), future))
        is_called = _Pools.called is loop  # and not a loop that was closed before it came to it
        _Pools.called = loop
    if not is_called:
        loop.call_soon(_write_waiting)
    return await future


def _writer() -> ThreadPoolExecutor:
    if _Pools.writer is None:
        _Pools.writer = ThreadPoolExecutor(1, thread_name_prefix="db-write")
    return _Pools.writer


def _write_waiting() -> None:
    """On the loop, a little at a time. A single piece fails as it would in a thread; what failed with others is left to a thread."""
    with _Pools.lock:
        taken, _Pools.waiting = _Pools.waiting[:MOST_AT_ONCE], _Pools.waiting[MOST_AT_ONCE:]
        if _Pools.waiting:
            asyncio.get_running_loop().call_soon(_write_waiting)
        else:
            _Pools.called = None
    _leave_out_given_up(taken)
    with contextlib.suppress(WouldWait):
        at_once(_write_as_one if len(taken) > 1 else _write_each, taken)
    if taken:
        _writer().submit(_call, _write, taken)


def _leave_out_given_up(waiting: Waiting) -> None:
    waiting[:] = [(work, future) for work, future in waiting if not future.cancelled()]


def _write(waiting: Waiting) -> None:
    _leave_out_given_up(waiting)
    if len(waiting) > 1 and connections["default"].vendor == "sqlite":
        _write_as_one(waiting)
    _write_each(waiting)


def _write_as_one(waiting: Waiting) -> None:
    """Do it all in one transaction and take it off the list; or nothing of it, when something failed."""
    stored: list[bool] = []
    results: list[Any] = []
    with contextlib.suppress(Exception), transaction.atomic():
        transaction.on_commit(lambda: stored.append(True))  # the first of the hooks: whatever the others do, it is stored
        results = [work() for work, _ in waiting]
    if stored:
        for (_, future), result in zip(waiting, results, strict=True):
            _give(future, result)
        waiting.clear()


def _write_each(waiting: Waiting) -> None:
    while waiting:
        work, future = waiting[0]
        try:
            _give(future, work())
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the work
            _give(future, error=error)
        del waiting[0]


def _give(future: "Future[Any]", result: object = None, error: Exception | None = None) -> None:
    """Hand over what came of the work, from whatever thread: to a loop that still runs, and to somebody who still waits."""

    def give() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loops.tell(future.get_loop(), give)


def close() -> None:
    """End the threads, and this loop's own connection. Whoever copies the database file of a stopped server has everything."""
    for pool in (_Pools.readers, _Pools.writer):
        if pool is not None:
            pool.submit(connections.close_all)
            pool.shutdown(wait=True, cancel_futures=False)
    _Pools.readers = _Pools.writer = None
    if loops.here():
        loops.put_by(_leave)


def _leave() -> None:
    _write_back(whole=True)
    connections.close_all()


def _write_back(*, whole: bool = False) -> None:
    connection: Any = connections["default"]
    if connection.vendor == "sqlite":
        connection.write_back(whole=whole)


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
