"""Pages on threads of our own: Django's synchronous request handling, whole, in a small pool.

Django's ASGI handler gives every synchronous request a new thread and a new database connection, and goes to that thread
once for each middleware. A burst of requests then stands in its own way. Here a request is one piece of work for one of a few
threads, whose connections stay open. A view that answers with an ``EventStream`` hands its frames to the loop and gives the
thread back. One that answers ``later`` hands over its waiting, and what comes of it goes out through the middleware as if the view
had returned it. An async view would hold a thread until it is done: there is none here.
"""

import asyncio
import logging
import re
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase
from django.urls import set_script_prefix
from django.utils.cache import patch_vary_headers

from agentos.core import db
from agentos.core.bursts import burst
from agentos.core.later import MAY_COME, Later
from agentos.core.paths import path_to
from agentos.core.sse import EventStream
from site_config.frames import stream, until_gone

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes | AsyncIterator[bytes]]
Rest = Future[HttpResponseBase]

THREADS = 4
SHORT_BODY = 16_384  # bytes
MESSAGES = re.compile("|".join(path_to(name, "@").replace("@", "[^/]+") for name in ("dashboard:session", "dashboard:chat")))
CAME = "agentos.came"  # in a request's META: the end of its waiting
HARD_LIMIT = 64 * 1024 * 1024  # bytes of a body that are read at all; settings decide what is accepted

log = logging.getLogger("agentos.server")


class ClientGone(Exception):
    """The client went away before it had sent its request."""


class Pages(BaseHandler):
    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="page")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        work = partial(asyncio.get_running_loop().run_in_executor, self.threads)
        try:
            answer = await self.answer_at_once(scope, body)
        except db.WouldWait:
            answer = await work(self.answer, scope, body)
        if isinstance(answer, Later):
            rest = await finished(answer, receive)
            if rest is None:
                return
            answer = await work(self.finish, answer, rest)
        status, headers, content = answer
        if not isinstance(content, bytes):
            await stream(status, headers, content, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def answer_at_once(self, scope: Scope, body: bytes) -> Answer | Later:
        """Handle a short request on the loop. Raises WouldWait for all others, and where it would have to wait: nothing is done then."""
        if not is_short(scope, body):
            raise db.WouldWait
        return await burst.take(self.answer, scope, body)

    def answer(self, scope: Scope, body: bytes) -> Answer | Later:
        """Handle one request from its beginning to its end, on one thread; or to the point where there is only waiting left to do."""
        set_script_prefix(scope.get("root_path", "") or "/")
        signals.request_started.send(sender=self.__class__, scope=scope)
        request = ASGIRequest(scope, BytesIO(body))
        request.META["CONTENT_LENGTH"] = str(len(body))  # what came, whatever was announced
        request.META[MAY_COME] = True
        response: HttpResponseBase = self.get_response(request)
        if isinstance(response, Later):
            response.close()
            return response
        return _ended(request, response)

    def finish(self, later: Later, rest: Rest) -> Answer:
        """Send what came of the waiting through the middleware, on one thread. What it had to say about the login before, it says too."""
        later.request.META[CAME] = rest
        response: HttpResponseBase = self.get_response(later.request)
        response.cookies.update(later.cookies)
        if vary := later.headers.get("Vary"):
            patch_vary_headers(response, vary.split(", "))
        return _ended(later.request, response)

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        """What the middleware stands around: the view, or what came of the waiting that it began."""
        rest: Rest | None = request.META.pop(CAME, None)
        return rest.result() if rest else super()._get_response(request)  # type: ignore[misc]  # not in the stubs

    def close(self) -> None:
        self.threads.shutdown(wait=True, cancel_futures=True)


def is_short(scope: Scope, body: bytes) -> bool:
    """A message: next to nothing for this server, and what its people do most. It asks nobody but the database."""
    return (
        scope["method"] == "POST" and len(body) <= SHORT_BODY and not settings.CACHE_URL and MESSAGES.fullmatch(scope["path"]) is not None
    )


def _ended(request: HttpRequest, response: HttpResponseBase) -> Answer:
    """Return the answer. A request that is over lets go of all that hangs on it: its user, its messages and htmx's details point back
    at it, and such circles wait for the garbage collector, for which every answer that flows has to wait."""
    answer = _encoded(response)
    if isinstance(answer[-1], bytes):  # a stream may still ask it something
        vars(request).clear()
    return answer


def _encoded(response: HttpResponseBase) -> Answer:
    try:
        content = _content_of(response)
        if isinstance(content, bytes):
            response.headers.setdefault("Content-Length", str(len(content)))
        headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
        headers += [(b"set-cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()]
    finally:
        response.close()
    return response.status_code, headers, content


def _content_of(response: HttpResponseBase) -> bytes | AsyncIterator[bytes]:
    if isinstance(response, EventStream):
        return response.frames
    return b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]


async def finished(later: Later, receive: Receive) -> Rest | None:
    """Return the waiting when it is over; None when the client went away before, which ends it."""
    waiting, gone = asyncio.ensure_future(later.rest()), asyncio.ensure_future(until_gone(receive))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        return waiting if waiting.done() else None
    finally:
        gone.cancel()
        if waiting.cancel():
            await asyncio.wait((waiting,))  # for what it does at its end


async def read_body(receive: Receive) -> bytes:
    """Read the body on the loop: a slow client holds no thread. Past what the settings accept the rest is not kept.

    Raises ClientGone.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        size += len(message.get("body", b""))
        if size <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1 or not parts:
            parts.append(message.get("body", b""))
        if size > HARD_LIMIT or not message.get("more_body", False):
            body = b"".join(parts)
            # One byte more than is accepted stands for all that was not kept: Django then says "too large".
            missing = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1 - len(body) if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE else 0
            return body + b"\0" * max(missing, 0)
