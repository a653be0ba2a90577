"""Database work from the event loop: in threads of our own or, when it is short, on the loop. Idle streams hold no connection."""

import asyncio
import logging
import threading
from asyncio import Future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections

from agentos.core import loops, on_loop, together
from agentos.core.sqlite.base import WouldWait

__all__ = ["WouldWait", "at_once", "at_once_together", "close", "look", "read", "write", "write_together"]

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

READERS = 4
MOST_AT_ONCE = 16  # pieces of work on the loop in one transaction
WRITE_BACK_EVERY = 100  # pieces of work on the loop, whose commits leave it to the writer


class _Pools:
    """Made at first use: SQLite has one writer at a time, so all of the engine's writes share one thread."""

    readers: ThreadPoolExecutor | None = None
    writer: ThreadPoolExecutor | None = None
    lock = threading.Lock()
    waiting: together.Waiting = []  # noqa: RUF012 - one list for all, under the lock
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
    return _at_once(1, work, *args, **kwargs)


def at_once_together(waiting: together.Waiting) -> None:
    """The same for pieces of work that become one transaction: those that are done are taken off the list, those that are to be done in
    a thread stay. A single one fails as it would there."""
    try:
        if waiting:
            _at_once(len(waiting), together.as_one if len(waiting) > 1 else together.each, waiting)
    except WouldWait:
        pass
    except Exception:
        log.exception("The loop could not reach the database; its work is left to a thread.")


def _at_once(pieces: int, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    done = on_loop.at_once(partial(_call, work, *args, **kwargs), pieces)
    _Pools.unwritten += pieces
    if _Pools.unwritten >= WRITE_BACK_EVERY:
        _Pools.unwritten = 0
        _writer().submit(_call, _write_back)
    return done


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
    """On the loop, a little at a time. What failed with others is left to a thread."""
    with _Pools.lock:
        taken, _Pools.waiting = _Pools.waiting[:MOST_AT_ONCE], _Pools.waiting[MOST_AT_ONCE:]
        if _Pools.waiting:
            asyncio.get_running_loop().call_soon(_write_waiting)
        else:
            _Pools.called = None
    together.leave_out_given_up(taken)
    at_once_together(taken)
    if taken:
        _writer().submit(_call, _write, taken)


def _write(waiting: together.Waiting) -> None:
    together.leave_out_given_up(waiting)
    if len(waiting) > 1 and connections["default"].vendor == "sqlite":
        together.as_one(waiting)
    together.each(waiting)


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
