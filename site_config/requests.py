"""One way for every request: Django's own handler, whole, with all its middleware, on one of a few threads, once.

What a view returns decides what happens next. An ``HttpResponse`` is sent as it is. The frames of an ``EventStream`` are sent by the
event loop, under the headers that the middleware has set. A ``Deferred`` is awaited there, and what it becomes is sent with those
headers too. Thread and database connection are given back before anybody waits or a frame is sent. (Django's own ASGI handler takes a
new thread and a new database connection for each request.) An async view would hold a thread until it is done: there is none here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse, set_script_prefix

from agentos.core import db, log_context
from agentos.core.http import request_log
from agentos.core.http.deferred import MAY_COME, Deferred
from agentos.core.http.errors import request_id
from agentos.core.http.ranges import Bytes
from agentos.core.http.sse import EventStream
from agentos.core.paths import is_one_of
from agentos.core.serving.limits import BODY_BYTES
from agentos.files.quotas import file_limit
from site_config.frames import Headers, stream, until_gone

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

THREADS = 4
LARGE = 128 * 1024  # bytes of a body
LARGE_AT_ONCE = 2  # of the threads: however many slices of files come, pages do not wait behind all of them
TOO_LARGE = "agentos.too_large"  # in a scope: more came than is accepted
HELD = 10_000_000  # bytes of JSON in which files are
OF_ITS_BODY = frozenset({"content-type", "content-length", "content-encoding"})  # headers that do not outlive the body they came with


class ClientGone(Exception):
    """The client went away before it had sent its request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body``: of a stream, its frames. ``beat``: what is sent between them when they are silent for too long."""

    status: int
    headers: Headers
    body: bytes | AsyncIterator[bytes]
    beat: bytes = b""


class Requests(BaseHandler):
    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self.large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive, scope)
            async with self.large if body.tell() > LARGE else nullcontext():
                answer = await self.on_thread(self.answer, scope, body)
            if isinstance(answer, Deferred):
                finished = await finish(answer, receive)
                answer = await self.on_thread(self.answer_finished, answer, finished)
        except ClientGone:
            return
        if not isinstance(answer.body, bytes):
            await stream(answer.status, answer.headers, answer.body, receive, send, answer.beat)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def on_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.threads, partial(db.keep_connection, work, *args))

    def answer(self, scope: Scope, body: IO[bytes]) -> Answer | Deferred:
        """Handle one request, on one thread, to its end or to where there is only waiting left to do."""
        log_context.request_id.set(scope.get(request_log.ID, ""))
        set_script_prefix(scope.get("root_path", "") or "/")
        signals.request_started.send(sender=self.__class__, scope=scope)
        request = ASGIRequest(scope, body)
        request.META["CONTENT_LENGTH"] = str(body.tell())  # what came, whatever was announced
        body.seek(0)
        if scope.get(TOO_LARGE):
            request.upload_handlers = [Refusal(request)]
        elif holds_files(scope):
            request._body = body.read()  # noqa: SLF001 - more than other requests may have
        request.META[MAY_COME] = True
        response: HttpResponseBase = self.get_response(request)
        if request.resolver_match:
            scope[request_log.ROUTE] = request.resolver_match.view_name or "unnamed"
        try:
            return response if isinstance(response, Deferred) else encoded(response)
        finally:
            response.close()
            if not isinstance(response, Deferred):
                let_go(request)

    def answer_finished(self, deferred: Deferred, finished: "asyncio.Future[HttpResponseBase]") -> Answer:
        """Send what came of the waiting with the headers and cookies that the middleware set before. An error is answered as a view's."""
        log_context.request_id.set(request_id(deferred.request))
        answer: Callable[[HttpRequest], Any] = convert_exception_to_response(lambda _: finished.result())
        response: HttpResponseBase = answer(deferred.request)
        for name, value in deferred.items():
            if name.lower() not in OF_ITS_BODY:
                response.headers.setdefault(name, value)
        response.cookies.update(deferred.cookies)
        let_go(deferred.request)
        return encoded(response)

    def close(self) -> None:
        db.end(self.threads, THREADS)


def encoded(response: HttpResponseBase) -> Answer:
    if isinstance(response, (EventStream, Bytes)):
        return Answer(response.status_code, headers_of(response), response.frames, response.beat)
    body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
    response.headers.setdefault("Content-Length", str(len(body)))
    return Answer(response.status_code, headers_of(response), body)


def headers_of(response: HttpResponseBase) -> Headers:
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    return headers + [(b"set-cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()]


async def finish(deferred: Deferred, receive: Receive) -> "asyncio.Future[HttpResponseBase]":
    """Return the waiting when it is over. Raises ClientGone when the client went away before, which ends it."""
    waiting, gone = asyncio.ensure_future(deferred.finish()), asyncio.ensure_future(until_gone(receive))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ClientGone
        return waiting
    finally:
        gone.cancel()
        if waiting.cancel():
            await asyncio.wait((waiting,))  # for what it does at its end


def has_files(scope: Scope) -> bool:
    """Whether it is a form that brings its files with it: a message without a script, or an export of chats. Others come in slices."""
    headers = dict(scope.get("headers", ()))
    is_form = scope.get("method") == "POST" and headers.get(b"content-type", b"").startswith(b"multipart/form-data")
    if not is_form or b"cookie" not in headers:
        return False
    path = scope["path"]
    return path == reverse("dashboard:import-chats") or any(is_one_of(path, name) for name in ("dashboard:session", "dashboard:chat"))


def holds_files(scope: Scope) -> bool:
    """Whether it is JSON of a client of OpenAI's, in which files may be."""
    return scope.get("method") == "POST" and scope["path"].endswith(("/v1/chat/completions", "/v1/responses"))


class Refusal(FileUploadHandler):
    """Says of a form that it is too large to be read."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        raise RequestDataTooBig("The files are too large.")


def let_go(request: HttpRequest) -> None:
    """Drop the body. A request and what middleware puts into it refer to each other, so it stays until Python looks for such rings, which
    it seldom does: a hundred slices of a file would stand in memory."""
    request._body, request._stream = b"", BytesIO()  # noqa: SLF001


async def read_body(receive: Receive, scope: Scope) -> IO[bytes]:
    """Read the body on the loop: a slow client holds no thread. Past what is accepted the rest is not kept.

    Raises ClientGone.
    """
    most, kept = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE), BytesIO()
    if has_files(scope):
        most += file_limit()
        kept = SpooledTemporaryFile(max_size=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)  # type: ignore[assignment]  # noqa: SIM115 - as long as its request
    if holds_files(scope):
        most = HELD
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            kept.close()
            raise ClientGone
        data = message.get("body", b"")
        size += len(data)
        if size <= most + 1 or size == len(data):
            kept.write(data)
        if size > BODY_BYTES or not message.get("more_body", False):
            break
    if size > most:
        # One byte more than is accepted stands for all that was not kept: Django then says "too large".
        scope[TOO_LARGE] = True
        kept.write(b"\0" * max(0, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1 - kept.tell()))
    return kept
