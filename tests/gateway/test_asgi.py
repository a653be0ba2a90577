"""The gateway's door and its way out, without a server: bodies as they come, answers as they go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from agentos.access.models import User
from agentos.core.http.errors import Problem
from agentos.gateway import asgi, context
from agentos.gateway.agents import CallersAgents, _text
from agentos.gateway.asgi import ClientGone, Gateway, read_body
from agentos.gateway.context import CallContext
from agentos.gateway.responses import KEEPALIVE, GuardedResponse, answer

Message = dict[str, Any]
SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
PLAIN = [(b"content-type", b"application/json"), (b"content-length", b"2"), (b"x-secret", b"of Agno's server")]
STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"content-length", b"2")]


class TestServes:
    def test_what_is_below_its_prefix(self, settings: LazySettings) -> None:
        gateway = Gateway("/agno")
        assert [path for path in ("/agno/x", "/agno/", "/agno", "/agnostic/x", "/x") if gateway.serves(path)] == ["/agno/x"]
        settings.AGENTOS_GATEWAY = False
        assert not gateway.serves("/agno/x")


class TestABody:
    async def read(self, *messages: Message) -> bytes:
        left = list(messages)

        async def receive() -> Message:
            return left.pop(0)

        return await read_body(receive, limit=4)

    async def test_is_put_together(self) -> None:
        body = await self.read({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"})
        assert body == b"ab"
        assert await self.read({"type": "http.request"}) == b""

    async def test_that_is_too_large_is_not_read_to_its_end(self) -> None:
        chunk = {"type": "http.request", "body": b"abc", "more_body": True}
        assert await self.read(chunk, chunk) == b"abcab"
        assert await self.read({"type": "http.request", "body": b"abcd", "more_body": True}, {"type": "http.request"}) == b"abcd"

    async def test_whose_sender_goes_away_is_none(self) -> None:
        with pytest.raises(ClientGone):
            await self.read({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"})


class Server:
    """Agno's server, as far as it is loaded and lives."""

    def __init__(self) -> None:
        self.router = self
        self.life: list[str] = []
        self.built = 0

    def build(self) -> "Server":
        self.built += 1
        return self

    @contextlib.asynccontextmanager
    async def lifespan_context(self, app: Any) -> AsyncIterator[None]:
        self.life.append("begun")
        yield
        self.life.append("ended")


class TestLoading:
    async def test_is_done_once_and_its_life_ends_with_the_gateways(self, monkeypatch: pytest.MonkeyPatch) -> None:
        server, gateway = Server(), Gateway("/agno")
        monkeypatch.setattr(asgi, "import_module", lambda name: server)
        assert await asyncio.gather(gateway._load(), gateway._load()) == [server, server]
        assert (server.built, server.life, gateway.app) == (1, ["begun"], server)
        await gateway.close()
        assert server.life == ["begun", "ended"]
        assert gateway.life
        assert gateway.life.done()

    async def test_that_fails_is_said(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        def fail(*_: object) -> None:
            raise ImportError("no agno")

        gateway = Gateway("/agno")
        monkeypatch.setattr(asgi, "import_module", fail)
        with pytest.raises(Problem) as refused:
            await gateway._load()
        assert (refused.value.status, gateway.app) == (503, None)
        assert "Agno's server cannot be loaded." in caplog.text
        monkeypatch.setattr(asgi, "objections", fail)
        await gateway.check()  # which starts the server nevertheless
        await gateway.close()

    async def test_of_a_server_whose_life_breaks_is_done(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        class Broken(Server):
            def lifespan_context(self, app: Any) -> Any:
                raise RuntimeError("Oh")

        gateway = Gateway("/agno")
        monkeypatch.setattr(asgi, "import_module", lambda name: Broken())
        async with asyncio.timeout(10):
            assert await gateway._load()
        assert "The lifespan of Agno's server broke." in caplog.text
        await gateway.close()

    async def test_of_an_open_gateway_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asgi, "objections", lambda: ["GET /x is not declared."])
        with pytest.raises(ImproperlyConfigured, match="GET /x is not declared"):
            await Gateway("/agno").check()
        monkeypatch.setattr(asgi, "objections", list)
        await Gateway("/agno").check()


class TestAnAnswer:
    @pytest.fixture
    def sent(self) -> list[Message]:
        return []

    @pytest.fixture
    def outgoing(self, sent: list[Message]) -> GuardedResponse:
        async def send(message: Message) -> None:
            sent.append(message)

        return GuardedResponse(CallContext(User(pk=1), None), SCOPE, send)

    async def begin(self, outgoing: GuardedResponse, headers: list[tuple[bytes, bytes]], status: int = 200, **body: Any) -> None:
        await outgoing({"type": "http.response.start", "status": status, "headers": headers})
        await outgoing({"type": "http.response.body", "body": b"{}", **body})

    async def test_goes_out_with_few_headers_of_agnos_server(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        await self.begin(outgoing, PLAIN)
        headers = dict(sent[0]["headers"])
        assert (sent[0]["status"], headers[b"content-type"], headers[b"content-length"]) == (200, b"application/json", b"2")
        assert b"x-secret" not in headers
        assert headers[b"cache-control"] == b"private, no-store"
        await outgoing.close()
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]

    async def test_waits_for_something_to_say(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        """Until then what our actions have refused can still become the answer."""
        await outgoing({"type": "http.response.start", "status": 200, "headers": STREAM})
        await outgoing({"type": "http.response.body", "body": b"", "more_body": True})
        assert sent == []
        outgoing.call.refused = Problem(402, "It is used up.")
        await outgoing({"type": "http.response.body", "body": b"data: x\n\n", "more_body": True})
        await outgoing({"type": "http.response.body", "body": b"data: y\n\n", "more_body": False})
        assert [message.get("status") for message in sent] == [402, None]
        assert b"It is used up." in sent[1]["body"]

    async def test_of_an_error_is_ours(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        await self.begin(outgoing, PLAIN, status=400)
        assert sent[0]["status"] == 400
        assert b'"success"' in sent[1]["body"]

    async def test_of_an_error_is_the_protocols_where_it_has_one(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        outgoing.call.speaks_protocol = True
        outgoing.call.refused = Problem(402, "It is used up.")
        await self.begin(outgoing, PLAIN, status=400)
        assert (sent[0]["status"], sent[1]["body"]) == (400, b"{}")

    async def test_that_has_begun_is_not_replaced(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        await self.begin(outgoing, PLAIN, more_body=True)
        await outgoing.fail(Problem(500))
        assert len(sent) == 2
        await outgoing.close()
        assert sent[-1] == {"type": "http.response.body", "body": b""}  # cut off, and ended

    async def test_is_replaced_once(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        await outgoing.fail(Problem(500))
        await outgoing.fail(Problem(503))
        assert [message["status"] for message in sent if "status" in message] == [500]

    async def test_that_streams_is_kept_alive_while_nothing_is_said(
        self, outgoing: GuardedResponse, sent: list[Message], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agentos.core.http.sse.HEARTBEAT_SECONDS", 0.01)
        await self.begin(outgoing, STREAM, more_body=True)
        assert b"content-length" not in dict(sent[0]["headers"])
        async with asyncio.timeout(20):
            while {"type": "http.response.body", "body": KEEPALIVE, "more_body": True} not in sent:
                await asyncio.sleep(0.01)
        await outgoing.close()
        count = len(sent)
        await asyncio.sleep(0.05)
        assert len(sent) == count

    async def test_that_says_something_needs_nothing_to_be_kept_alive(
        self, outgoing: GuardedResponse, sent: list[Message], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agentos.core.http.sse.HEARTBEAT_SECONDS", 0.01)
        await self.begin(outgoing, STREAM, more_body=True)
        outgoing.sent_at = asyncio.get_running_loop().time() + 60  # as if it had said something each time one looks
        await asyncio.sleep(0.05)
        assert KEEPALIVE not in [message.get("body") for message in sent]
        await outgoing.close()

    async def test_that_never_began_has_no_end(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        await outgoing({"type": "http.response.start", "status": 200, "headers": STREAM})
        await outgoing.close()
        assert sent == []

    async def test_is_read_whatever_case_its_headers_have(self, outgoing: GuardedResponse, sent: list[Message]) -> None:
        await self.begin(outgoing, [(name.title(), value) for name, value in PLAIN])
        assert dict(sent[0]["headers"])[b"content-type"] == b"application/json"
        assert b"x-secret" not in dict(sent[0]["headers"])

    async def test_to_a_head_has_no_body(self, sent: list[Message]) -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        for method in ("GET", "HEAD"):
            await answer(Problem(404), {**SCOPE, "method": method}, send)
        assert [bool(message["body"]) for message in sent if "body" in message] == [True, False]

    async def test_that_is_no_stream_is_not(self, outgoing: GuardedResponse, monkeypatch: pytest.MonkeyPatch) -> None:
        await self.begin(outgoing, PLAIN, more_body=True)
        assert outgoing.keeping is None


class TestAgents:
    def test_outside_of_a_request_are_none(self) -> None:
        store: Any = None
        agents = CallersAgents(store)
        assert (len(agents), list(agents)) == (0, [])
        with pytest.raises(LookupError):
            context.current()

    @pytest.mark.parametrize(
        ("said", "text"), [("Hello", "Hello"), (None, ""), ([], ""), (["One", "Two"], "Two"), (("One",), "One"), ([["One"]], "One")]
    )
    def test_are_given_what_was_said_last(self, said: Any, text: str) -> None:
        assert _text(said) == text
