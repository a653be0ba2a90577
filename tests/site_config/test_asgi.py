"""The whole application, as a server calls it: pages on threads, waiting calls and streams on the loop, bodies only so large."""

import asyncio
import gc
import json
from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.test import Client

from agentos.access.models import User
from agentos.chat import actions
from agentos.chat.models import ChatSession
from agentos.chat.registry import STREAMS_A_USER, registry
from site_config.asgi import application
from site_config.requests import ClientGone, read_body

Answer = tuple[int, dict[str, str], bytes]
CSRF = "c" * 32
LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class Caller:
    """One request, in pieces as they arrive, and what came back."""

    def __init__(self, *pieces: bytes, leaves: bool = False, breaks_off: bool = False) -> None:
        self.pieces = list(pieces) or [b""]
        self.leaves = leaves or breaks_off
        self.breaks_off = breaks_off
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or self.breaks_off}
        if not self.leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(dict(message))

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, query: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": "testserver", **(headers or {})}.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw, "http_version": "1.1"}
        await application(scope, self.receive, self.send)
        found = {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}
        return self.sent[0]["status"], found, b"".join(message.get("body", b"") for message in self.sent[1:])


@pytest.fixture
def cookie(member: User) -> str:
    client = Client()
    client.force_login(member)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def requests() -> list[ASGIRequest]:
    """Those that there are, needed or not."""
    return [thing for thing in gc.get_objects() if type(thing) is ASGIRequest]


async def read_together(*pieces: bytes) -> bytes:
    body = await read_body(Caller(*pieces).receive, {})
    body.seek(0)
    return body.read()


class TestReadBody:
    async def test_puts_the_pieces_together(self) -> None:
        assert await read_together(b"a", b"b", b"c") == b"abc"

    async def test_keeps_no_more_than_one_byte_too_many(self) -> None:
        assert (await read_body(Caller(*[b"x" * 65_536] * 100).receive, {})).tell() == LIMIT + 1

    async def test_notices_that_the_client_went_away(self) -> None:
        with pytest.raises(ClientGone):
            await read_body(Caller(b"a", breaks_off=True).receive, {})


class TestPages:
    async def test_are_answered_with_their_cookies_and_headers(self, transactional_db: None) -> None:
        status, headers, body = await Caller().ask("GET", "/sign-in/")
        assert status == 200
        assert "csrf=" in headers["set-cookie"]
        assert "script-src 'self'" in headers["content-security-policy"]
        assert int(headers["content-length"]) == len(body)

    async def test_go_to_sign_in_when_nobody_is_signed_in(self, transactional_db: None) -> None:
        assert (await Caller().ask("GET", "/agentos/"))[0] == 302

    async def test_that_are_not_there_are_404(self, transactional_db: None) -> None:
        assert (await Caller().ask("GET", "/nope/"))[0] == 404

    async def test_refuse_a_body_that_is_too_large(self, transactional_db: None) -> None:
        status, _, _ = await Caller(*[b"x" * 65_536] * 20).ask("POST", "/agentos/webhook/", {"Content-Type": "application/json"})
        assert status == 413

    async def test_refuse_a_host_that_is_not_ours(self, transactional_db: None) -> None:
        assert (await Caller().ask("GET", "/sign-in/", {"Host": "evil.example"}))[0] == 400


class TestWaitingCalls:
    async def test_refuse_a_body_that_is_too_large_whatever_was_announced(self, transactional_db: None, cookie: str) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": "10", "Cookie": cookie}
        status, _, body = await Caller(*[b"x" * 65_536] * 20).ask("POST", "/api/v1/agentos/send-message/", headers)
        assert status == 413
        assert json.loads(body)["success"] is False


class TestStreams:
    async def test_do_not_keep_their_request(self, session: ChatSession, cookie: str) -> None:
        before, caller = requests(), Caller()
        following = asyncio.ensure_future(caller.ask("GET", "/agentos/live/", {"Cookie": cookie}, f"session={session.session_id}"))
        while len(caller.sent) < 2:
            await asyncio.sleep(0.001)
        gc.collect()
        assert [request for request in requests() if request not in before] == []
        following.cancel()
        await asyncio.wait((following,))

    async def test_begin_with_what_the_page_does_not_show_yet(self, session: ChatSession, member: User, cookie: str) -> None:
        await sync_to_async(actions.send_message)(by=member, session=session, text="Hello")
        query = f"session={session.session_id}&cursor="
        status, headers, body = await Caller(leaves=True).ask("GET", "/agentos/live/", {"Cookie": cookie}, query)
        assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert headers["x-accel-buffering"] == "no"
        assert b": connected" in body or body == b""  # this caller has gone already
        assert not registry.streams

    @pytest.mark.parametrize(("session_id", "expected"), [("nope", 404), ("", 200)])
    async def test_are_of_ones_own_sessions(self, session: ChatSession, cookie: str, session_id: str, expected: int) -> None:
        assert (await Caller(leaves=True).ask("GET", "/agentos/live/", {"Cookie": cookie}, f"session={session_id}"))[0] == expected

    async def test_want_a_login(self, session: ChatSession) -> None:
        status, headers, _ = await Caller(leaves=True).ask("GET", "/agentos/live/", query=f"session={session.session_id}")
        assert (status, headers["hx-redirect"]) == (401, "/sign-in/")

    async def test_have_the_headers_of_every_answer(self, cookie: str, transactional_db: None) -> None:
        _, headers, _ = await Caller(leaves=True).ask("GET", "/agentos/live/", {"Cookie": cookie, "Accept-Encoding": "gzip"})
        assert "script-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert (headers["cache-control"], headers["content-encoding"]) == ("no-store, no-transform", "identity")

    async def test_are_limited_for_each_user(self, session: ChatSession, member: User, cookie: str) -> None:
        opened = [registry.open(member, "key", None) for _ in range(STREAMS_A_USER)]
        try:
            status, headers, _ = await Caller(leaves=True).ask("GET", "/agentos/live/", {"Cookie": cookie})
            assert (status, headers["retry-after"]) == (429, "30")
        finally:
            for stream in opened:
                registry.close(stream)

    async def test_are_got_and_not_posted(self, cookie: str, transactional_db: None) -> None:
        headers = {"Cookie": f"{cookie}; csrf={CSRF}", "X-CSRFToken": CSRF}
        assert (await Caller(leaves=True).ask("POST", "/agentos/live/", headers))[0] == 405

    async def test_refuse_a_host_that_is_not_ours(self, cookie: str, transactional_db: None) -> None:
        assert (await Caller(leaves=True).ask("GET", "/agentos/live/", {"Cookie": cookie, "Host": "evil.example"}))[0] == 400
