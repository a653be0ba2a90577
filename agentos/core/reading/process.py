"""A process that reads what strangers gave: it starts, is fed, and is ended when it takes too long or says too much."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from weakref import WeakKeyDictionary

AT_ONCE = 2  # processes that read
CHUNK = 1 << 16

_places: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = WeakKeyDictionary()


class TooMuch(Exception):
    """It said more than is taken."""


async def ask(worker: Path, *arguments: str, data: bytes, seconds: float, limit: int) -> tuple[bytes, int]:
    """Run the script with ``data`` as its input; return at most ``limit`` bytes of what it says, and how it ended.

    Raises TimeoutError, and TooMuch. Of these processes two run at once.
    """
    place = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    async with place:
        # Of its own group, so that what it may have started ends with it; and without anything of our environment.
        command = (sys.executable, "-I", "-B", str(worker), *arguments)
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, start_new_session=True)
        try:
            async with asyncio.timeout(seconds):
                _, answer = await asyncio.gather(_feed(process, data), _drain(process, limit))
                await process.wait()
        finally:
            await _end(process)
    return answer, process.returncode or 0


async def _feed(process: Process, data: bytes) -> None:
    assert process.stdin is not None
    view = memoryview(data)
    with contextlib.suppress(ConnectionError):
        for start in range(0, len(view), CHUNK):
            process.stdin.write(view[start : start + CHUNK])
            await process.stdin.drain()
    process.stdin.close()


async def _drain(process: Process, limit: int) -> bytes:
    assert process.stdout is not None
    found = bytearray()
    while chunk := await process.stdout.read(CHUNK):
        found += chunk
        if len(found) > limit:
            raise TooMuch
    return bytes(found)


async def _end(process: Process) -> None:
    """End it, if it has not ended, and let go of its pipes."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    while await process.stdout.read(CHUNK):
        pass
    await process.wait()
