"""An answer as a stream of chunks, while it is written."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from django.conf import settings

from agentos.access import tokens
from agentos.access.models import User
from agentos.api import sending
from agentos.api.openai import telling
from agentos.api.openai.answering import delivered
from agentos.api.openai.asking import Asked
from agentos.api.openai.ending import problem_of, session_header
from agentos.api.openai.errors import no_session
from agentos.chat.actions import check_agent_open
from agentos.chat.following import Look, follow
from agentos.chat.models import Run
from agentos.chat.refusals import AgentClosed
from agentos.core import db, sse
from agentos.core.errors import DEFAULTS, Problem

log = logging.getLogger(__name__)

BROKEN = Problem(500, DEFAULTS[500][1], code=DEFAULTS[500][0])
PATIENCE = 10.0  # seconds for a first word: a run that fails before is answered with its own status
CHECK_SECONDS = 5.0  # between two looks whether the token and the right to the agent still hold


async def stream(run: Run, asked: Asked, user: User, secret: str) -> sse.EventStream:
    """Return the answer that streams. Raises ``Problem`` for a run that ends without a word."""
    looks = follow(run)
    try:
        first = await _first(looks)
    except BaseException as error:
        await looks.aclose()
        await delivered(run, user)
        if isinstance(error, Run.DoesNotExist):
            raise no_session() from None
        raise
    answer = sse.EventStream(Delivery(run, asked, user, secret).frames(looks, first))
    for name, value in session_header(run).items():
        answer.headers[name] = value
    return answer


async def _first(looks: AsyncGenerator[Look, None]) -> Look:
    """Wait for the first word, the end, or until the client should hear that it is being served.

    Raises ``Problem`` for a run that ends without a word.
    """
    over = asyncio.get_running_loop().time() + PATIENCE
    async for look in looks:
        if look.end and look.end.status != Run.Status.COMPLETED and not look.parts:
            raise problem_of(look.end)
        if look.parts or look.end or asyncio.get_running_loop().time() >= over:
            return look
    raise Run.DoesNotExist


class Delivery:
    def __init__(self, run: Run, asked: Asked, user: User, secret: str) -> None:
        self.run = run
        self.user = user
        self.secret = secret
        self.chunks = telling.Chunks(run, asked)
        self.teller = telling.Teller()
        now = asyncio.get_running_loop().time()
        self.check_due = now + CHECK_SECONDS
        self.over = now + settings.RUN_TIMEOUT + sending.MARGIN

    async def frames(self, looks: AsyncGenerator[Look, None], first: Look) -> AsyncGenerator[bytes, None]:
        """Yield everything from ``first`` to the end. An ephemeral run ends with it, however it ends."""
        try:
            async with aclosing(looks):
                yield self.chunks.delta({"role": "assistant", "content": ""})
                async for frame in self._answer(looks, first):
                    yield frame
        except Problem as problem:
            yield telling.error(problem)
        except Run.DoesNotExist:
            yield telling.error(no_session())
        except Exception:
            log.exception("The stream of run %s broke.", self.run.run_id)
            yield telling.error(BROKEN)
        finally:
            await delivered(self.run, self.user)

    async def _answer(self, looks: AsyncGenerator[Look, None], look: Look) -> AsyncGenerator[bytes, None]:
        now = asyncio.get_running_loop().time
        beat_due = now() + sse.HEARTBEAT_SECONDS
        while True:
            for frame in self._told(look):
                beat_due = now() + sse.HEARTBEAT_SECONDS
                yield frame
            if look.end:
                return
            if now() >= beat_due:
                beat_due = now() + sse.HEARTBEAT_SECONDS
                yield telling.ALIVE
            await self._check(now())
            look = await anext(looks)

    def _told(self, look: Look) -> Iterator[bytes]:
        """Raises ``Problem`` when it ended otherwise than was hoped for."""
        for delta in self.teller.news(look.parts):
            yield self.chunks.delta(delta)
        if look.end and look.end.status != Run.Status.COMPLETED:
            raise problem_of(look.end)
        if look.end:
            yield from self.chunks.last(look.end)

    async def _check(self, now: float) -> None:
        """Raises ``Problem`` when the time is over, or the client may not read this any more."""
        if now >= self.over:
            raise problem_of(self.run)
        if now >= self.check_due:
            self.check_due = now + CHECK_SECONDS
            await db.read(_check_rights, self.run, self.user, self.secret)


def _check_rights(run: Run, user: User, secret: str) -> None:
    if tokens.authenticate(secret) is None:
        raise Problem(401, "The API token has expired or was revoked.", code="invalid_api_key")
    try:
        check_agent_open(run.session.agent, user)
    except AgentClosed as closed:
        raise Problem(closed.status, closed.sentence, code="agent_closed") from None
