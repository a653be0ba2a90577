"""Answers of Agno's server on their way to the client: errors get our shape and sentences, streams the headers that they need."""

import asyncio
import contextlib
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest

from agentos.core.http import sse
from agentos.core.http.errors import Problem
from agentos.core.http.middleware import HEADERS
from agentos.gateway import origins
from agentos.gateway.context import CallContext

KEEPALIVE = b": keepalive\n\n"
PASSED_ON = frozenset({b"content-type", b"content-length"})
SAFE = {**HEADERS, "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
STREAM = {**SAFE, **sse.HEADERS}

Message = dict[str, Any]


async def answer(problem: Problem, scope: dict[str, Any], send: Any) -> None:
    """Send the envelope."""
    response = problem.answer(ASGIRequest(scope, BytesIO()))
    for name, value in {**SAFE, **origins.allowed(scope)}.items():
        response.headers[name] = value
    headers = _encoded(dict(response.items()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.content})


async def nothing(headers: dict[str, str], send: Any) -> None:
    """Send an answer that is all headers."""
    await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": _encoded({**SAFE, **headers})})
    await send({"type": "http.response.body", "body": b""})


class GuardedResponse:
    """Holds back the beginning until there is a body: what our actions have refused meanwhile becomes the answer."""

    def __init__(self, call: CallContext, scope: dict[str, Any], send: Any) -> None:
        self.call, self.scope, self.send = call, scope, send
        self.start: Message | None = None
        self.begun = self.replaced = self.ended = False
        self.sending = asyncio.Lock()
        self.sent_at = 0.0
        self.keeping: asyncio.Task[None] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body" and not self.replaced:
            await self._body(message)

    async def fail(self, problem: Problem) -> None:
        """Answer with an error if nothing was sent yet."""
        if not self.begun and not self.replaced:
            self.replaced = True
            await answer(problem, self.scope, self.send)

    async def close(self) -> None:
        """End what has begun and was cut off."""
        if self.keeping:
            self.keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.keeping
        if self.begun and not self.ended:
            with contextlib.suppress(OSError):  # the client has gone
                await self.send({"type": "http.response.body", "body": b""})

    async def _body(self, message: Message) -> None:
        assert self.start is not None
        if not self.begun:
            if not message.get("body") and message.get("more_body"):
                return
            if problem := self._problem(self.start["status"]):
                await self.fail(problem)
                return
            await self._begin(self.start)
        async with self.sending:
            self.sent_at = asyncio.get_running_loop().time()
            self.ended = not message.get("more_body", False)
            await self.send(message)

    def _problem(self, status: int) -> Problem | None:
        if self.call.speaks_protocol:
            return None
        return self.call.refused or (Problem(status) if status >= HTTPStatus.BAD_REQUEST else None)

    async def _begin(self, start: Message) -> None:
        self.begun = True
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in start["headers"] if name.lower() in PASSED_ON}
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        kept = {} if is_stream else headers
        await self.send({**start, "headers": _encoded({**kept, **(STREAM if is_stream else SAFE), **origins.allowed(self.scope)})})
        if is_stream:
            self.keeping = asyncio.create_task(self._keep_alive())

    async def _keep_alive(self) -> None:
        """A model may think for longer than a proxy waits."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(sse.HEARTBEAT_SECONDS)
            if now() - self.sent_at >= sse.HEARTBEAT_SECONDS:
                async with self.sending:
                    await self.send({"type": "http.response.body", "body": KEEPALIVE, "more_body": True})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in headers.items()]
