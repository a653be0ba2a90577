"""Having an event loop do something, from any thread."""

import asyncio
from collections.abc import Callable
from typing import Any


def call_soon(loop: asyncio.AbstractEventLoop, work: Callable[..., Any], *args: Any) -> None:
    """Have ``work`` done on ``loop`` soon; not at all on one that is closed."""
    if is_here(loop):
        loop.call_soon(work, *args)  # to wake it would cost it two calls of the system
    elif not loop.is_closed():
        loop.call_soon_threadsafe(work, *args)


def is_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this thread's work is done by ``loop``."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
