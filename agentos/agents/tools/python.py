"""Python in a sandbox: Monty, an interpreter without files, network and environment, in worker processes with limits of their own.

Each loop has a pool, which starts with the first call and goes when nobody has used it for a while. Nothing that code does reaches this
process: what it prints comes back as text, what it computes does not come back at all.
"""

import asyncio
import shlex
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from agentos.agents.tools.definition import Refused, tool

CODE_LIMIT = 20_000  # characters
OUTPUT_LIMIT = 20_000  # characters
PRINTED_LIMIT = 200_000  # bytes, after which the code is ended
SECONDS = 5
QUEUE_SECONDS = 20  # to wait for a worker
WORKERS = 2
IDLE_SECONDS = 120
MEMORY = 32 * 1024 * 1024  # bytes that the code may hold
ADDRESSES = 400_000  # kB of address space that a worker may have: what holds when the limit of the interpreter does not
RECURSION = 500

# Its workers get nothing of this process' environment, write no file, and stand back behind the server.
WRAPPER = """#!/bin/sh
ulimit -v {addresses} && ulimit -n 32 && ulimit -f 0 && ulimit -c 0 || exit 1
exec env -i nice -n 5 {binary} "$@"
"""


@cache
def missing() -> str:
    """Return what is missing to run code, as a sentence for the operator."""
    try:
        _binary()
    except (ImportError, FileNotFoundError):
        return "Python needs the package pydantic-monty, which is not installed for this system: pip install pydantic-monty."
    return ""


def _binary() -> str:
    from pydantic_monty._binary import find_monty_binary  # noqa: PLC0415 - only where code is run

    return find_monty_binary()


@tool(
    "Python",
    slug="python",
    description="Calculates, sorts and counts with a small program that it writes.",
    group="Basics",
    needs=missing,
    is_own=True,
)
async def run_python(code: str) -> str:
    """Run Python code and return what it prints and the value of its last line. For calculations, dates, sorting and text.

    There are no files, no network and no packages: json, re, math, datetime, random, itertools, collections, functools, decimal, csv,
    hashlib and base64 can be imported. Nothing is kept between two calls. It may take 5 seconds.

    Args:
        code: The code, at most 20,000 characters. Print what you want to see.
    """
    if len(code) > CODE_LIMIT:
        raise Refused(f"The code has {len(code):,} characters; {CODE_LIMIT:,} are allowed.")
    return await _pool().run(code)


class Pool:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._opened: AsyncExitStack | None = None
        self._workers: Any = None
        self._users = 0
        self._closing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    async def run(self, code: str) -> str:
        async with self._used() as workers:
            try:
                return await _run(workers, code)
            except TimeoutError:
                raise Refused("Too much code is running at the moment. Try it again in a minute.") from None

    async def close(self) -> None:
        """End the workers. The next call starts others."""
        async with self._lock:
            opened, self._opened, self._workers = self._opened, None, None
            if opened:
                await opened.aclose()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[Any]:
        self._users += 1
        if self._closing:
            self._closing.cancel()
            self._closing = None
        try:
            yield await self._started()
        finally:
            self._users -= 1
            if not self._users:
                self._closing = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_unused)

    def _close_unused(self) -> None:
        if not self._users:
            task = asyncio.ensure_future(self.close())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _started(self) -> Any:
        async with self._lock:
            if self._opened is None:
                stack = AsyncExitStack()
                try:
                    self._workers = await stack.enter_async_context(await asyncio.to_thread(_new_workers, stack))
                except BaseException:
                    await stack.aclose()
                    raise
                self._opened = stack
            return self._workers


def _new_workers(stack: AsyncExitStack) -> Any:
    from pydantic_monty import AsyncMonty  # noqa: PLC0415 - only where code is run

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agentos-python-"))
    wrapper = Path(folder) / "worker"
    wrapper.write_text(WRAPPER.format(addresses=ADDRESSES, binary=shlex.quote(_binary())), encoding="utf-8")
    wrapper.chmod(0o700)
    return AsyncMonty(
        binary_path=wrapper,
        min_processes=1,
        max_processes=WORKERS,
        checkout_timeout=QUEUE_SECONDS,
        request_timeout=SECONDS + 2,
        max_checkouts_per_worker=100,
    )


async def _run(workers: Any, code: str) -> str:
    """Return what it printed. The value of its last line is printed too; code whose last line has none is run as it is."""
    from pydantic_monty import CollectString, MontyCrashedError, MontyError, MontySyntaxError  # noqa: PLC0415

    printed = CollectString(max_bytes=PRINTED_LIMIT)
    limits = {"max_feed_duration_secs": SECONDS, "max_memory": MEMORY, "max_recursion_depth": RECURSION}
    error = ""
    try:
        async with workers.checkout(limits=limits, os_policy={"sleep": "zero"}, script_name="code.py") as session:
            try:
                await session.feed_run(_telling(code), print_callback=printed)
            except MontySyntaxError:
                await session.feed_run(f"{code}\nNone", print_callback=printed)
    except MontyCrashedError as crash:
        if crash.timed_out:
            error = f"The code was ended: it took more than {SECONDS} seconds."
        else:
            error = "The code was ended: its process broke off. That is no error of yours alone; a simpler way may work."
    except MontyError as wrong:
        error = _sentence(wrong)
    output = _bounded(printed.output)
    if error:
        raise Refused(f"{error}\nIt had printed:\n{output}" if output else error)
    return output or "The code has run. It printed nothing and its last line has no value."


def _telling(code: str) -> str:
    """Return the code with its last line in brackets, and its value printed: a syntax error where that line is no expression of its own."""
    head, _, last = code.rstrip().rpartition("\n")
    if not last or last[0] in " \t#)]}":
        return f"{code}\nNone"
    return f"{head}\n_value = (\n{last}\n)\nif _value is not None:\n    print(repr(_value)[:{OUTPUT_LIMIT * 2}])\nNone"


def _sentence(error: Any) -> str:
    inner = error.exception()
    if isinstance(inner, TimeoutError):
        return f"The code was ended: it took more than {SECONDS} seconds."
    if isinstance(inner, MemoryError):
        return f"The code was ended: it needed more than {MEMORY // 1024**2} MB, or printed more than {PRINTED_LIMIT // 1000} kB."
    if isinstance(inner, RecursionError):
        return f"The code was ended: its functions call each other more than {RECURSION} deep."
    display = error.display() if hasattr(error, "display") else str(error)
    return _bounded(display)


def _bounded(text: str) -> str:
    text = text.strip()
    return text if len(text) <= OUTPUT_LIMIT else f"{text[: OUTPUT_LIMIT - 60]}\n… ({len(text):,} characters in all)"


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, Pool]" = WeakKeyDictionary()


def _pool() -> Pool:
    return _of_loops.setdefault(asyncio.get_running_loop(), Pool())


async def close() -> None:
    """Close the pool of this loop."""
    if pool := _of_loops.pop(asyncio.get_running_loop(), None):
        await pool.close()
