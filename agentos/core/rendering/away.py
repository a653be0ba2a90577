"""Rendering away from the event loop, in a thread of its own: no page and no write waits behind a text that is hard to read.

One thread: rendering is work for the interpreter, of which there is one, and more of them would only take it from the loop more often.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LIGHT = 400  # characters: to go to a thread and back costs more than to render them, whatever they are


async def away(characters: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do ``work`` that renders so many ``characters``: in the thread, or right here when that is next to nothing."""
    if characters <= LIGHT:
        return work(*args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_thread(), partial(work, *args, **kwargs))


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="render")


def close() -> None:
    _thread().shutdown(wait=True, cancel_futures=True)
    _thread.cache_clear()
