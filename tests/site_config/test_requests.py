"""One way of a request: whole through the middleware, once, on a thread; what is only waited for is waited for on the loop."""

import asyncio
import json
import threading
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.messages.middleware import MessageMiddleware
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path
from django.views.decorators.csrf import csrf_exempt

from agentos.access.models import User
from agentos.chat.models import ChatSession, Run
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.sse import EventStream
from site_config.requests import LARGE_AT_ONCE, THREADS, has_files
from tests.site_config.test_asgi import CSRF, Caller

WAIT = 10.0  # seconds, before a test gives up
TEXT = "What took so long. " * 100


class Meeting:
    """Where the callers of a test wait for each other, or for nobody who will ever come."""

    barrier: asyncio.Barrier
    waiting: asyncio.Event
    left: asyncio.Event


def told(request: HttpRequest) -> HttpResponseBase:
    async def finish() -> HttpResponse:
        await asyncio.sleep(0)
        return HttpResponse(TEXT, content_type="text/plain", headers={"X-Session-ID": "s1"})

    return deferred(request, finish)


def refused(request: HttpRequest) -> HttpResponseBase:
    async def finish() -> HttpResponse:
        raise Problem(409, "It was stopped.", code="stopped", headers={"X-Session-ID": "s1"})

    return deferred(request, finish)


def broken(request: HttpRequest) -> HttpResponseBase:
    async def finish() -> HttpResponse:
        raise RuntimeError

    return deferred(request, finish)


def together(request: HttpRequest) -> HttpResponseBase:
    async def finish() -> HttpResponse:
        await Meeting.barrier.wait()
        return HttpResponse("All are here.")

    return deferred(request, finish)


def never(request: HttpRequest) -> HttpResponseBase:
    async def finish() -> HttpResponse:
        Meeting.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            Meeting.left.set()
        return HttpResponse()

    return deferred(request, finish)


def streamed(request: HttpRequest) -> HttpResponseBase:
    async def frames() -> Any:
        yield b"data: 1\n\n"

    async def finish() -> HttpResponseBase:
        return EventStream(frames())

    return deferred(request, finish)


def remembered(request: HttpRequest) -> HttpResponseBase:
    request.session["seen"] = True
    return told(request)


@csrf_exempt
def slow(request: HttpRequest) -> HttpResponse:
    """Reads its body, and takes its time."""
    Slices.requests.append(request)
    size = len(request.body)
    Slices.go_on.wait(WAIT)
    return HttpResponse(str(size))


class Slices:
    requests: ClassVar[list[HttpRequest]] = []
    go_on = threading.Event()


handler500 = "agentos.dashboard.views.errors.server_error"
urlpatterns = [
    *(path(f"v1/{view.__name__}/", view) for view in (told, refused, broken, together, never, streamed, remembered, slow)),
    path("", include("site_config.urls")),
]


@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("transactional_db")
class TestDeferred:
    async def test_goes_out_as_if_the_view_had_returned_it(self) -> None:
        status, headers, body = await Caller().ask("GET", "/v1/told/")
        assert (status, body.decode(), headers["x-session-id"]) == (200, TEXT, "s1")
        assert (headers["content-type"], int(headers["content-length"])) == ("text/plain", len(TEXT))
        assert "script-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["x-request-id"].startswith("req_")

    async def test_is_sent_as_it_is_written(self) -> None:
        """The middleware that compresses has seen nothing of it."""
        _, headers, body = await Caller().ask("GET", "/v1/told/", {"Accept-Encoding": "gzip"})
        assert ("content-encoding" in headers, body.decode()) == (False, TEXT)

    async def test_passes_view_and_middleware_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []
        monkeypatch.setattr(MessageMiddleware, "process_request", lambda self, request: seen.append(request.path))
        assert (await Caller().ask("GET", "/v1/told/"))[0] == 200
        assert seen == ["/v1/told/"]

    async def test_is_not_waited_for_when_the_middleware_fails_after_its_view(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise OperationalError("the server has gone")

        Meeting.waiting = asyncio.Event()
        monkeypatch.setattr(MessageMiddleware, "process_response", fail)
        status, headers, _ = await Caller().ask("GET", "/v1/never/")
        assert (status, headers["x-error-code"]) == (503, "unavailable")
        assert not Meeting.waiting.is_set()

    async def test_may_be_a_refusal(self) -> None:
        status, headers, body = await Caller().ask("GET", "/v1/refused/")
        assert (status, headers["x-error-code"], headers["x-session-id"]) == (409, "stopped", "s1")
        assert json.loads(body)["error"]["message"] == "It was stopped."

    async def test_may_fail(self, caplog: pytest.LogCaptureFixture) -> None:
        status, headers, body = await Caller().ask("GET", "/v1/broken/")
        assert (status, headers["x-error-code"]) == (500, "agentos_error")
        assert json.loads(body)["error"]["type"] == "server_error"
        assert "RuntimeError" in caplog.text

    async def test_may_be_a_stream(self) -> None:
        status, headers, body = await Caller().ask("GET", "/v1/streamed/", {"Accept-Encoding": "gzip"})
        assert (status, headers["content-type"], body) == (200, "text/event-stream; charset=utf-8", b"data: 1\n\n")
        assert (headers["cache-control"], headers["content-encoding"]) == ("no-store, no-transform", "identity")
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "content-length" not in headers

    async def test_holds_no_thread_while_it_is_waited_for(self) -> None:
        Meeting.barrier = asyncio.Barrier(10 * THREADS)
        async with asyncio.timeout(WAIT):
            answers = await asyncio.gather(*(Caller().ask("GET", "/v1/together/") for _ in range(10 * THREADS)))
        assert {body for _, _, body in answers} == {b"All are here."}

    async def test_is_given_up_when_its_caller_goes(self) -> None:
        Meeting.waiting, Meeting.left = asyncio.Event(), asyncio.Event()
        gone = asyncio.Event()

        class Leaving(Caller):
            async def receive(self) -> dict[str, Any]:
                if not self.pieces:
                    await gone.wait()
                return await super().receive()

        caller = Leaving(leaves=True)
        asking = asyncio.ensure_future(caller.ask("GET", "/v1/never/"))
        async with asyncio.timeout(WAIT):
            await Meeting.waiting.wait()
            gone.set()
            with pytest.raises(IndexError):  # nothing was sent
                await asking
        assert not caller.sent
        assert Meeting.left.is_set()

    async def test_keeps_what_was_said_about_the_login(self) -> None:
        _, headers, body = await Caller().ask("GET", "/v1/remembered/")
        assert body.decode() == TEXT
        assert headers["set-cookie"].startswith("session=")
        assert "Cookie" in headers["vary"]

    @pytest.mark.parametrize("name", ["told", "refused"])
    async def test_is_the_same_from_djangos_own_handlers(self, name: str) -> None:
        status, headers, body = await Caller().ask("GET", f"/v1/{name}/")
        response = await asyncio.to_thread(Client().get, f"/v1/{name}/")
        del headers["x-request-id"]
        unlike = {"X-Request-ID", "Vary"}  # they might have compressed it
        theirs = {name.lower(): value for name, value in response.headers.items() if name not in unlike}
        assert (status, headers, body) == (response.status_code, theirs, response.content)


class TestFormsWithFiles:
    @pytest.mark.parametrize(
        ("path", "takes"),
        [("/agentos/session/s/", True), ("/agentos/chat/a/", True), ("/agentos/sessions/import/", True), ("/agentos/sessions/", False)],
    )
    def test_are_a_message_and_an_export_of_chats(self, path: str, takes: bool) -> None:
        headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"cookie", b"a=b")]
        assert has_files({"type": "http", "method": "POST", "path": path, "headers": headers}) is takes


@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("transactional_db")
class TestLargeBodies:
    @pytest.fixture(autouse=True)
    def slices(self) -> None:
        Slices.requests, Slices.go_on = [], threading.Event()

    async def test_leave_threads_to_everybody_else(self) -> None:
        sending = [asyncio.ensure_future(Caller(b"x" * 1_000_000).ask("POST", "/v1/slow/")) for _ in range(THREADS * 3)]
        async with asyncio.timeout(WAIT):
            while len(Slices.requests) < LARGE_AT_ONCE:
                await asyncio.sleep(0.01)
            assert (await Caller().ask("GET", "/v1/told/"))[0] == 200
        assert len(Slices.requests) == LARGE_AT_ONCE
        Slices.go_on.set()
        assert [answer[2] for answer in await asyncio.gather(*sending)] == [b"1000000"] * THREADS * 3

    async def test_are_gone_with_their_answer(self) -> None:
        """Whatever still refers to the request."""
        Slices.go_on.set()
        assert (await Caller(b"x" * 1_000_000).ask("POST", "/v1/slow/"))[2] == b"1000000"
        (request,) = Slices.requests
        assert request.body == b""
        assert request.read() == b""


class TestViews:
    def test_work_on_a_thread_and_wait_on_the_loop(self) -> None:
        """An async view would hold one of the few threads until it is done."""
        found = list(views(get_resolver().url_patterns))
        assert len(found) > 100
        assert [view.__name__ for view in found if iscoroutinefunction(view)] == []


def views(patterns: list[URLPattern | URLResolver]) -> Any:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback


@pytest.fixture
def cookie(member: User) -> str:
    client = Client()
    client.force_login(member)
    return "; ".join([*(f"{name}={morsel.value}" for name, morsel in client.cookies.items()), f"csrf={CSRF}"])


async def send(session: ChatSession, cookie: str, text: str = "Hello", key: str = "") -> tuple[int, str]:
    body = urlencode({"message": text, "idempotency_key": key}).encode()
    headers = {"Cookie": cookie, "X-CSRFToken": CSRF, "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, answer = await Caller(body).ask("POST", f"/agentos/session/{session.session_id}/", headers)
    return status, answer.decode()


async def inputs() -> list[str]:
    return await sync_to_async(lambda: list(Run.objects.order_by("pk").values_list("input", flat=True)))()


class TestMessages:
    async def test_are_taken(self, session: ChatSession, cookie: str) -> None:
        status, answer = await send(session, cookie)
        assert (status, 'data-status="queued"' in answer) == (200, True)
        assert await inputs() == ["Hello"]

    async def test_wait_on_their_thread_while_another_writes(self, session: ChatSession, cookie: str) -> None:
        """A hundred of them at once: the loop turns all the time, and what comes twice is stored once."""
        began, go_on = threading.Event(), threading.Event()

        def write() -> None:
            with transaction.atomic():
                ChatSession.objects.select_for_update().get(pk=session.pk)
                began.set()
                go_on.wait()

        writing = asyncio.ensure_future(sync_to_async(write, thread_sensitive=False)())
        await asyncio.to_thread(began.wait)
        sending = [asyncio.ensure_future(send(session, cookie, key="the same")) for _ in range(100)]
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not any(future.done() for future in sending)
        go_on.set()
        await writing
        assert {status for status, _ in await asyncio.gather(*sending)} == {200}
        assert await inputs() == ["Hello"]

    async def test_are_refused_like_elsewhere(self, session: ChatSession, cookie: str) -> None:
        status, answer = await send(session, cookie, text=" ")
        assert (status, "Write a message first." in answer) == (422, True)
        assert (await send(session, cookie.replace(CSRF, "d" * 32)))[0] == 403
        assert await inputs() == []
