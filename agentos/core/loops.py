"""Event loops and threads: synchronous work on a loop's own thread, and telling a loop something from any thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_put_by = threading.local()  # its ``loop``: the one that stands still for synchronous work


def here() -> asyncio.AbstractEventLoop | None:
    """Return the loop of this thread, running or put by; None in a thread without one."""
    running = asyncio._get_running_loop()  # noqa: SLF001 - as get_running_loop, but gives None where there is none
    return running or getattr(_put_by, "loop", None)


def put_by(work: Callable[[], T]) -> T:
    """Run ``work`` as synchronous code, which it is: until it is done, this thread's loop does not run.

    Django then gives it the thread's connection, and not one for each task.
    """
    loop = asyncio.get_running_loop()
    _put_by.loop = loop
    asyncio._set_running_loop(None)  # noqa: SLF001 - public to event loops
    try:
        return work()
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
        _put_by.loop = None


def tell(loop: asyncio.AbstractEventLoop, call: Callable[..., Any], *args: Any) -> None:
    """Have ``call`` done on ``loop`` soon; not at all on one that is closed. To wake a loop from its own thread would cost it a
    system call to write, another to read, and a round of its own."""
    if here() is loop:
        loop.call_soon(call, *args)
    elif not loop.is_closed():
        loop.call_soon_threadsafe(call, *args)
