"""A process beside ours that answers a line with a line: started when it is first asked, ended when nobody has asked for a while."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence

IDLE = 300.0  # seconds
CHUNK = 1 << 16


class Failed(Exception):
    """It did not answer. The text is for the log."""


class Beside:
    """One process, asked by one at a time. It belongs to the loop that started it.

    ``command``: how it is started; ``environment``: all that it knows of ours; ``longest``: bytes of an answer.
    """

    def __init__(self, command: Callable[[], Sequence[str]], environment: Mapping[str, str], *, longest: int, idle: float = IDLE) -> None:
        self.command, self.environment = command, environment
        self.longest, self.idle = longest, idle
        self.loop = asyncio.get_running_loop()
        self.asking = asyncio.Lock()
        self.waiting = 0  # those who ask, or want to
        self.process: Process | None = None
        self.ending: asyncio.TimerHandle | None = None

    async def ask(self, line: bytes, data: bytes = b"", *, seconds: float) -> bytes:
        """Send a line, and data behind it; return the line that comes back. Raises Failed."""
        self.waiting += 1
        try:
            async with self.asking:
                return await self._ask(line, data, seconds)
        finally:
            self.waiting -= 1

    async def _ask(self, line: bytes, data: bytes, seconds: float) -> bytes:
        if self.ending:
            self.ending.cancel()
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(line, data)
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as error:
            await self.end()
            raise Failed(f"{type(error).__name__} {error}".strip()) from None
        except asyncio.CancelledError:
            await self.end()  # it would answer whoever comes next
            raise
        finally:
            self.ending = self.loop.call_later(self.idle, self._kill)

    async def _answer(self, line: bytes, data: bytes) -> bytes:
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=dict(self.environment),
                limit=self.longest,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + b"\n")
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            self.process.stdin.write(view[start : start + CHUNK])
            await self.process.stdin.drain()
        await self.process.stdin.drain()
        return await self.process.stdout.readuntil(b"\n")

    def _kill(self) -> None:
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def end(self) -> None:
        if self.ending:
            self.ending.cancel()
        self._kill()
        if self.process:
            await self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()
        self.process = None
