"""Telling an event loop something, from any thread."""

import asyncio
from collections.abc import Callable
from typing import Any


def tell(loop: asyncio.AbstractEventLoop, call: Callable[..., Any], *args: Any) -> None:
    """Have ``call`` done on ``loop`` soon; not at all on one that is closed."""
    if is_here(loop):
        loop.call_soon(call, *args)  # to wake it would cost it two calls of the system
    elif not loop.is_closed():
        loop.call_soon_threadsafe(call, *args)


def is_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this thread's work is done by ``loop``."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
