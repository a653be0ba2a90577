"""Answers that come later: what a page's thread has begun, the loop waits for, and the middleware is told at the end."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path

from agentos.core.errors import Problem
from agentos.core.later import later
from agentos.core.sse import EventStream
from site_config.pages import THREADS
from tests.site_config.test_asgi import Caller

WAIT = 10.0  # seconds, before a test gives up
TEXT = "What took so long. " * 100


class Meeting:
    """Where the callers of a test wait for each other, or for nobody who will ever come."""

    barrier: asyncio.Barrier
    waiting: asyncio.Event
    left: asyncio.Event


def told(request: HttpRequest) -> HttpResponseBase:
    async def rest() -> HttpResponse:
        await asyncio.sleep(0)
        return HttpResponse(TEXT, content_type="text/plain", headers={"X-Session-ID": "s1"})

    return later(request, rest)


def refused(request: HttpRequest) -> HttpResponseBase:
    async def rest() -> HttpResponse:
        raise Problem(409, "It was stopped.", code="stopped", headers={"X-Session-ID": "s1"})

    return later(request, rest)


def broken(request: HttpRequest) -> HttpResponseBase:
    async def rest() -> HttpResponse:
        raise RuntimeError

    return later(request, rest)


def together(request: HttpRequest) -> HttpResponseBase:
    async def rest() -> HttpResponse:
        await Meeting.barrier.wait()
        return HttpResponse("All are here.")

    return later(request, rest)


def never(request: HttpRequest) -> HttpResponseBase:
    async def rest() -> HttpResponse:
        Meeting.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            Meeting.left.set()
        return HttpResponse()

    return later(request, rest)


def streamed(request: HttpRequest) -> HttpResponseBase:
    async def frames() -> Any:
        yield b"data: 1\n\n"

    async def rest() -> HttpResponseBase:
        return EventStream(frames())

    return later(request, rest)


def remembered(request: HttpRequest) -> HttpResponseBase:
    request.session["seen"] = True
    return told(request)


urlpatterns = [path(f"v1/{view.__name__}/", view) for view in (told, refused, broken, together, never, streamed, remembered)]


@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("transactional_db")
class TestLater:
    async def test_goes_out_as_if_the_view_had_returned_it(self) -> None:
        status, headers, body = await Caller().ask("GET", "/v1/told/")
        assert (status, body.decode(), headers["x-session-id"]) == (200, TEXT, "s1")
        assert (headers["content-type"], int(headers["content-length"])) == ("text/plain", len(TEXT))
        assert "script-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["x-request-id"].startswith("req_")

    async def test_is_compressed_like_any_other(self) -> None:
        _, headers, body = await Caller().ask("GET", "/v1/told/", {"Accept-Encoding": "gzip"})
        assert (headers["content-encoding"], int(headers["content-length"])) == ("gzip", len(body))
        assert gzip.decompress(body).decode() == TEXT

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
        theirs = {name.lower(): value for name, value in response.headers.items() if name != "X-Request-ID"}
        assert (status, headers, body) == (response.status_code, theirs, response.content)


class TestViews:
    def test_work_on_a_thread_and_wait_on_the_loop(self) -> None:
        """An async view would hold one of the few threads until it is done. The live stream goes past Pages (site_config/streams.py)."""
        found = list(views(get_resolver().url_patterns))
        assert len(found) > 100
        assert [view.__name__ for view in found if iscoroutinefunction(view)] == ["stream"]


def views(patterns: list[URLPattern | URLResolver]) -> Any:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback
