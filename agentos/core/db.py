"""Database work from the event loop, in threads of our own: no request's thread is held, no idle stream holds a connection."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4


class _Pools:
    """Made at first use: SQLite has one writer at a time, so all of the engine's writes share one thread."""

    readers: ThreadPoolExecutor | None = None
    writer: ThreadPoolExecutor | None = None


async def read(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a reader's thread."""
    if _Pools.readers is None:
        _Pools.readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
    return await asyncio.get_running_loop().run_in_executor(_Pools.readers, partial(_call, work, *args, **kwargs))


async def write(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in the writer's thread, after what was asked of it before."""
    if _Pools.writer is None:
        _Pools.writer = ThreadPoolExecutor(1, thread_name_prefix="db-write")
    return await asyncio.get_running_loop().run_in_executor(_Pools.writer, partial(_call, work, *args, **kwargs))


def close() -> None:
    """End the threads, with their connections."""
    for pool in (_Pools.readers, _Pools.writer):
        if pool is not None:
            pool.submit(connections.close_all)
            pool.shutdown(wait=True, cancel_futures=False)
    _Pools.readers = _Pools.writer = None


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
