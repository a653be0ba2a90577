"""An answer as a stream of chunks, while it is written."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Protocol

from agentos.access.users import User
from agentos.api import sending
from agentos.api.openai.auth import KeyWatch
from agentos.api.openai.completion import delivered
from agentos.api.openai.errors import no_session
from agentos.api.openai.outcomes import behind_approval, problem_of, session_header
from agentos.api.openai.serializers import ALIVE
from agentos.chat.callers import Caller, Watch
from agentos.chat.errors import WaitingForApproval
from agentos.chat.live.parts import Part
from agentos.chat.models import Run
from agentos.chat.runs.following import Look, follow
from agentos.conf import app_settings
from agentos.core.http import sse
from agentos.core.http.errors import DEFAULTS, Problem

log = logging.getLogger(__name__)

BROKEN = Problem(500, DEFAULTS[500][1], code=DEFAULTS[500][0])
PATIENCE = 10.0  # seconds for a first word: a run that fails before is answered with its own status


class AnswerWriter(Protocol):
    """Writes an answer as the frames of one protocol."""

    def start(self) -> Iterator[bytes]:
        """The frames before the answer."""

    def new(self, parts: list[Part]) -> Iterator[bytes]:
        """What was not sent yet of the answer so far."""

    def finish(self, run: Run) -> Iterator[bytes]:
        """The end of a run that has completed."""

    def fail(self, problem: Problem) -> Iterator[bytes]:
        """Any other end."""


async def stream(run: Run, writer: AnswerWriter, caller: Caller, user: User) -> sse.EventStream:
    """Return the answer that streams. Raises ``Problem`` for a run that ends without a word."""
    looks, watch = follow(run), KeyWatch(caller)
    try:
        first = await _first(looks, watch)
    except BaseException as error:
        await looks.aclose()
        await delivered(run, user)
        if isinstance(error, Run.DoesNotExist):
            raise no_session() from None
        if isinstance(error, WaitingForApproval):
            raise behind_approval(error) from None
        raise
    answer = sse.EventStream(Delivery(run, writer, watch, user).frames(looks, first))
    for name, value in session_header(run).items():
        answer.headers[name] = value
    return answer


async def _first(looks: AsyncGenerator[Look, None], watch: Watch) -> Look:
    """Wait for the first word, the end, or until the client should hear that it is being served.

    Raises ``Problem`` for a run that ends without a word, and for a caller who may not hear it any more.
    """
    over = asyncio.get_running_loop().time() + PATIENCE
    async for look in looks:
        await watch.look()
        if look.end and look.end.status != Run.Status.COMPLETED and not look.parts:
            raise problem_of(look.end)
        if look.parts or look.end or asyncio.get_running_loop().time() >= over:
            return look
    raise Run.DoesNotExist


class Delivery:
    def __init__(self, run: Run, writer: AnswerWriter, watch: Watch, user: User) -> None:
        self.run = run
        self.user = user
        self.watch = watch
        self.writer = writer
        self.over = asyncio.get_running_loop().time() + app_settings.RUN_TIMEOUT + sending.MARGIN

    async def frames(self, looks: AsyncGenerator[Look, None], first: Look) -> AsyncGenerator[bytes, None]:
        """Yield everything from ``first`` to the end. An ephemeral run ends with it, however it ends."""
        problem = None
        try:
            try:
                async with aclosing(looks):
                    for frame in self.writer.start():
                        yield frame
                    async for frame in self._answer(looks, first):
                        yield frame
            except Exception as error:  # noqa: BLE001 - whatever breaks, the stream says so
                problem = self._problem_of(error)
            if problem:
                for frame in self.writer.fail(problem):
                    yield frame
        finally:
            await delivered(self.run, self.user)

    def _problem_of(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, WaitingForApproval):
            return behind_approval(error)
        if isinstance(error, Run.DoesNotExist):
            return no_session()
        log.error("The stream of run %s broke.", self.run.run_id, exc_info=error)
        return BROKEN

    async def _answer(self, looks: AsyncGenerator[Look, None], look: Look) -> AsyncGenerator[bytes, None]:
        now = asyncio.get_running_loop().time
        beat_due = now() + sse.HEARTBEAT_SECONDS
        while True:
            for frame in self._frames_of(look):
                beat_due = now() + sse.HEARTBEAT_SECONDS
                yield frame
            if look.end:
                return
            if now() >= beat_due:
                beat_due = now() + sse.HEARTBEAT_SECONDS
                yield ALIVE
            await self._check(now())
            look = await anext(looks)

    def _frames_of(self, look: Look) -> Iterator[bytes]:
        """Raises ``Problem`` when it ended otherwise than was hoped for."""
        yield from self.writer.new(look.parts)
        if look.end and look.end.status != Run.Status.COMPLETED:
            raise problem_of(look.end)
        if look.end:
            yield from self.writer.finish(look.end)

    async def _check(self, now: float) -> None:
        """Raises ``Problem`` when the time is over, or the client may not read this any more."""
        if now >= self.over:
            raise problem_of(self.run)
        await self.watch.look()
