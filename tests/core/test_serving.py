"""What a client may send, how long it may take, and how many of them there may be: on real sockets, with a small application behind."""

import asyncio
import contextlib
import json
import logging
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from agentos.core import repeated
from agentos.core.management.commands import agentos_serve
from agentos.core.serving import files, limits
from agentos.core.serving.protocol import Connection

ROOT = Path(__file__).resolve().parents[2]
WAIT = 20.0  # seconds, before a test gives up
SOON = 1.0  # seconds: a deadline that is waited for, and long enough for a busy machine
HOST = b"Host: localhost\r\n"
API = b"POST /api/v1/x/ HTTP/1.1\r\n" + HOST
Ask = Callable[..., Awaitable[bytes]]


class App:
    """Answers with the length of the body, or does not."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.gone = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = scope["headers"]
        self.asked += 1
        size, more = 0, scope["path"] != "/early/"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return
            size += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", scope["raw_path"])]})
        if scope["path"] == "/stream/":
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone.set()
            return
        await send({"type": "http.response.body", "body": b"x" * 4_000_000 if scope["path"] == "/large/" else b"%d bytes" % size})


class Served:
    def __init__(self, app: App, port: int, connections: set[Any]) -> None:
        self.app, self.port, self.connections = app, port, connections
        self.writers: list[asyncio.StreamWriter] = []

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1_000_000)
        self.writers.append(writer)
        return reader, writer

    async def ask(self, *pieces: bytes) -> bytes:
        """Send the pieces, and return all that comes until the server closes."""
        reader, writer = await self.open()
        reading = asyncio.ensure_future(reader.read())
        with contextlib.suppress(OSError):
            for piece in pieces:
                if reading.done():
                    break
                writer.write(piece)
                await writer.drain()
        async with asyncio.timeout(WAIT):
            return await reading


@pytest.fixture
async def served(settings: Any) -> AsyncIterator[Served]:
    settings.AGENTOS_HEADER_SECONDS = settings.AGENTOS_BODY_SECONDS = settings.AGENTOS_KEEP_ALIVE_SECONDS = 30
    repeated.forget()
    app, state = App(), ServerState()
    config = uvicorn.Config(app, http=Connection, ws="none", lifespan="off", log_config=None, timeout_keep_alive=30)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}, loop), "127.0.0.1", 0)
    found = Served(app, server.sockets[0].getsockname()[1], state.connections)
    yield found
    for writer in found.writers:
        writer.close()
    for connection in list(state.connections):
        connection.transport.abort()
    server.close()
    async with asyncio.timeout(WAIT):
        while state.connections or state.tasks:
            await asyncio.sleep(0.01)
    assert (Connection.crowd.of_network.total(), Connection.crowd.surplus, Connection.crowd.held) == (0, 0, 0)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def assert_envelope(answer: bytes, expected: int, *words: str) -> None:
    assert status(answer) == expected
    head, _, body = answer.partition(b"\r\n\r\n")
    said = json.loads(body)
    assert (said["success"], said["response"]) == (False, None)
    assert all(word in said["error"] for word in words)
    assert b"x-request-id: req_" in head
    assert b"connection: close" in head


class TestTheHead:
    async def test_has_headers_of_a_certain_size(self, served: Served) -> None:
        assert status(await served.ask(API, b"X: " + b"a" * 60_000 + b"\r\nConnection: close\r\n\r\n")) == 200
        assert status(await served.ask(b"GET / HTTP/1.1\r\n", HOST, b"X: " + b"a" * 60_000 + b"\r\nConnection: close\r\n\r\n")) == 200
        assert_envelope(await served.ask(API, b"X: " + b"a" * 70_000 + b"\r\n\r\n"), 431, "headers")

    @pytest.mark.parametrize("endless", [b"a" * 100_000, b"X: b\r\n" * 10_000, b": \r\n" * 10_000])
    async def test_is_refused_before_it_is_whole(self, served: Served, endless: bytes) -> None:
        answer = await served.ask(API, b"X: ", *[endless] * 200)
        assert status(answer) in {400, 431}
        assert not served.app.asked

    async def test_has_so_many_headers(self, served: Served) -> None:
        assert_envelope(await served.ask(API, b"X: b\r\n" * 200, b"\r\n"), 431)

    async def test_has_an_address_of_a_certain_length(self, served: Served) -> None:
        assert status(await served.ask(b"GET /" + b"a" * 16_000 + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")) == 200
        assert_envelope(await served.ask(b"GET /api/v1/?q=", *[b"a" * 1_000_000] * 24, b" HTTP/1.1\r\n", HOST, b"\r\n"), 414, "address")

    async def test_has_to_come_in_time(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_HEADER_SECONDS = SOON
        assert_envelope(await served.ask(API), 408, "headers", f"{SOON} seconds")

    async def test_has_to_come_in_time_however_many_pieces_it_has(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_HEADER_SECONDS = SOON
        reader, writer = await served.open()
        writer.write(API)
        async with asyncio.timeout(WAIT):
            reading = asyncio.ensure_future(reader.read())
            while not reading.done():
                writer.write(b"X: b\r\n")
                await asyncio.sleep(0.05)
        assert_envelope(await reading, 408)

    async def test_has_to_come_in_time_after_another_request(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_HEADER_SECONDS = SOON
        answer = await served.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", API)
        assert statuses(answer) == [200, 408]

    async def test_is_for_people_in_words(self, served: Served) -> None:
        answer = await served.ask(b"GET /" + b"a" * 20_000)
        assert answer.endswith(b"\r\n\r\nThe address of the request is too long.\n")
        assert b"content-type: text/plain" in answer


class TestSilence:
    def test_between_requests_lasts_as_long_as_the_settings_say(self, settings: Any) -> None:
        settings.AGENTOS_KEEP_ALIVE_SECONDS = 7
        assert agentos_serve.config().timeout_keep_alive == 7

    async def test_is_closed_without_a_word(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_HEADER_SECONDS = SOON
        assert await served.ask() == b""
        assert await served.ask(b"\r\n\r\n") == b""

    async def test_of_empty_lines_after_an_answer_ends_too(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_HEADER_SECONDS = SOON
        reader, writer = await served.open()
        writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        await reader.readuntil(b"0 bytes")
        writer.write(b"\r\n")
        async with asyncio.timeout(WAIT):
            await reader.read()

    async def test_of_a_reader_is_not_waited_for(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STUCK_SECONDS", 0.2)
        _, writer = await served.open()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(4):
            writer.write(b"GET /large/ HTTP/1.1\r\n" + HOST + b"\r\n")
        async with asyncio.timeout(WAIT):
            while not served.app.asked or served.connections:
                await asyncio.sleep(0.01)


class TestTheBody:
    async def test_has_to_come_in_time(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_BODY_SECONDS = SOON
        assert_envelope(await served.ask(API + b"Content-Length: 100\r\n\r\n{"), 408, "body")
        assert served.app.gone.is_set()
        assert_envelope(await served.ask(API + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"), 408, "body")

    async def test_has_to_come_with_some_speed(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_BODY_SECONDS = SOON
        reader, writer = await served.open()
        writer.write(API + b"Content-Length: 100000\r\n\r\n")
        reading = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(WAIT):
            while not reading.done():
                writer.write(b"x")
                await asyncio.sleep(0.05)
        assert_envelope(await reading, 408)

    async def test_may_take_longer_than_a_piece_of_it(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_BODY_SECONDS = 3
        reader, writer = await served.open()
        writer.write(API + b"Connection: close\r\nContent-Length: 12000\r\n\r\n")
        for _ in range(12):
            writer.write(b"x" * 1000)
            await asyncio.sleep(0.3)
        assert (await reader.read()).endswith(b"12000 bytes\r\n0\r\n\r\n")

    async def test_is_only_so_large(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "BODY_BYTES", 200_000)
        assert_envelope(await served.ask(API + b"Content-Length: 200001\r\n\r\n"), 413)
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        assert_envelope(await served.ask(API + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 100), 413)
        assert (await served.ask(API + b"Connection: close\r\nContent-Length: 200000\r\n\r\n", b"x" * 200_000)).endswith(
            b"200000 bytes\r\n0\r\n\r\n"
        )

    async def test_is_only_so_large_with_those_of_others(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "BODIES_BYTES", 100_000)
        first, one = await served.open()
        one.write(API + b"Content-Length: 90001\r\n\r\n" + b"x" * 90_000)
        while Connection.crowd.held < 90_000:
            await asyncio.sleep(0.01)
        assert_envelope(await served.ask(API + b"Content-Length: 90000\r\n\r\n", b"x" * 90_000), 503)
        one.write(b"x")
        assert (await first.readuntil(b" bytes")).endswith(b"90001 bytes")
        assert status(await served.ask(API + b"Connection: close\r\nContent-Length: 90000\r\n\r\n", b"x" * 90_000)) == 200

    @pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"1;" + b"a" * 1000 + b"\r\nx\r\n", b"1;a=" + b"b" * 100_000])
    async def test_comes_in_chunks_that_are_worth_it(self, served: Served, chunk: bytes) -> None:
        assert_envelope(await served.ask(API + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk * 20] * 1000), 400, "chunks")

    async def test_may_come_in_some_small_chunks(self, served: Served) -> None:
        answer = await served.ask(API + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000, b"0\r\n\r\n")
        assert b"1000 bytes" in answer

    async def test_brings_no_headers_after_it(self, served: Served) -> None:
        trailer = b"Authorization: Bearer x\r\nX-Forwarded-For: 6.6.6.6\r\n"
        answer = await served.ask(API + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", trailer, b"\r\n")
        assert status(answer) == 200
        assert {name for name, _ in served.app.headers} == {b"host", b"connection", b"transfer-encoding"}

    async def test_is_not_read_for_ever_after_its_answer(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "LINGER_SECONDS", 0.2)
        answer = await served.ask(b"POST /early/ HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n")
        assert statuses(answer) == [200]

    async def test_that_stops_under_a_stream_ends_the_stream(self, served: Served, settings: Any) -> None:
        settings.AGENTOS_BODY_SECONDS = SOON
        reader, writer = await served.open()
        writer.write(b"POST /stream/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        async with asyncio.timeout(WAIT):
            assert statuses(await reader.read()) == [408]

    async def test_that_is_not_whole_does_not_hold_up_the_end_of_the_server(self, served: Served) -> None:
        reader, writer = await served.open()
        writer.write(API + b"Content-Length: 100\r\n\r\n")
        while not served.app.asked:
            await asyncio.sleep(0.01)
        for connection in list(served.connections):
            connection.shutdown()
        async with asyncio.timeout(WAIT):
            assert_envelope(await reader.read(), 503, "stopped")


AMBIGUOUS = {
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
    "one length twice": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}",
    "a length without end": b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "another encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "another encoding last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "another encoding first": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "another kind of blank": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"X-A: b\r\n c\r\n\r\n",
    "a folded encoding": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"X-A: b\nContent-Length: 0\n\n",
    "a bare carriage return": b"X-A: a\rContent-Length: 10\r\n\r\n",
    "a NUL": b"X-A: a\0b\r\n\r\n",
    "two hosts": b"Host: other.example\r\n\r\n",
    "a size in another way": b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a size below nothing": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    "a size without end": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\n{}\r\n0\r\n\r\n",
    "chunks with bare line feeds": b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    "a body under another protocol": b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 30\r\n\r\nGET /hidden/ HTTP/1.1\r\n\r\n",
}


class TestWhatAProxyMayUnderstandOtherwise:
    @pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS)
    async def test_is_refused_and_nothing_after_it_is_answered(self, served: Served, rest: bytes) -> None:
        answer = await served.ask(API + rest + b"GET /hidden/ HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert statuses(answer) == [400]
        assert_envelope(answer, 400)

    async def test_is_chunks_in_http_1_0(self, served: Served) -> None:
        assert status(await served.ask(b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) == 400

    async def test_is_a_request_without_a_host(self, served: Served) -> None:
        assert status(await served.ask(b"GET / HTTP/1.1\r\n\r\n")) == 400
        assert status(await served.ask(b"GET / HTTP/1.0\r\n\r\n")) == 200

    @pytest.mark.parametrize("version", ["0.9", "2.0"])
    async def test_is_another_version(self, served: Served, version: str) -> None:
        assert status(await served.ask(b"GET / HTTP/" + version.encode() + b"\r\n" + HOST + b"\r\n")) == 505

    async def test_is_no_offer_of_another_protocol(self, served: Served, caplog: pytest.LogCaptureFixture) -> None:
        """curl --http2 makes one. It is answered as HTTP/1.1, and nothing is logged that anybody could fill a disk with."""
        caplog.set_level(logging.WARNING)
        answer = await served.ask(
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /hidden/ HTTP/1.1\r\n\r\n"
        )
        assert statuses(answer) == [200]
        assert not caplog.records


class TestRequestsAhead:
    async def test_are_answered_in_turn(self, served: Served) -> None:
        asked = b"".join(b"GET /%d/ HTTP/1.1\r\n" % number + HOST + b"\r\n" for number in range(4))
        answer = await served.ask(asked + b"GET /4/ HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
        assert [part.split(b"\r\n")[0] for part in answer.split(b"x-path: ")[1:]] == [b"/%d/" % number for number in range(5)]

    async def test_are_only_so_many(self, served: Served) -> None:
        answer = await served.ask((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 1000)
        assert statuses(answer) == [200] * (limits.WAITING + 1)

    async def test_that_cannot_be_understood_do_not_break_into_the_answer_before(self, served: Served) -> None:
        answer = await served.ask(b"GET /large/ HTTP/1.1\r\n" + HOST + b"\r\nnonsense\r\n\r\n")
        assert statuses(answer) == [200]
        assert answer.count(b"x" * 1000) == 4000

    async def test_do_not_hide_that_the_client_has_gone(self, served: Served) -> None:
        reader, writer = await served.open()
        writer.write(b"GET /stream/ HTTP/1.1\r\n" + HOST + b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n")
        await reader.readuntil(b"begun")
        writer.close()
        async with asyncio.timeout(WAIT):
            await served.app.gone.wait()


class TestConnections:
    async def test_are_so_many_from_one_address(self, served: Served, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
        settings.AGENTOS_CONNECTIONS_AN_ADDRESS = 1  # ten from this machine
        kept = [await served.open() for _ in range(10)]
        answers = [await served.ask(API + b"\r\n") for _ in range(3)]
        for answer in answers:
            assert_envelope(answer, 429, "your address")
        assert [record.getMessage() for record in caplog.records if "Connections" in record.getMessage()] == [
            "Connections of 127.0.0.1 are refused: it has 10 open (AGENTOS_CONNECTIONS_AN_ADDRESS)."
        ]
        kept[0][1].close()
        while Connection.crowd.of_network["127.0.0.1"] == 10:
            await asyncio.sleep(0.01)
        assert status(await served.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")) == 200

    async def test_are_so_many_in_all(self, served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(Connection.crowd, "most", 2)
        for _ in range(2):
            await served.open()
        while Connection.crowd.of_network.total() < 2:
            await asyncio.sleep(0.01)
        assert_envelope(await served.ask(API + b"\r\n"), 503, "connections")
        assert "which is all that may be" in caplog.text

    async def test_too_many_that_say_nothing_are_closed_soon(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Connection.crowd, "most", 0)
        monkeypatch.setattr(limits, "SURPLUS_SECONDS", 0.2)
        assert await served.ask() == b""

    async def test_far_too_many_are_closed_at_once(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Connection.crowd, "most", 0)
        monkeypatch.setattr(Connection.crowd, "most_surplus", 5)
        silent = [await served.open() for _ in range(20)]
        async with asyncio.timeout(WAIT):
            while Connection.crowd.surplus != 5:
                await asyncio.sleep(0.01)
        assert len(silent) == 20

    @pytest.mark.parametrize(
        ("peer", "proxies", "tls_proxy", "allowed"),
        [
            ("203.0.113.7", 0, False, 500),
            ("2001:db8:1:2::3", 0, False, 500),
            ("127.0.0.1", 0, False, 5000),
            ("::1", 0, False, 5000),
            ("::ffff:127.0.0.1", 0, False, 5000),
            ("203.0.113.7", 1, False, 0),
            ("203.0.113.7", 0, True, 0),
            ("", 0, False, 0),
        ],
    )
    def test_of_one_address_depend_on_who_it_is(self, settings: Any, peer: str, proxies: int, tls_proxy: bool, allowed: int) -> None:
        settings.AGENTOS_CONNECTIONS_AN_ADDRESS, settings.AGENTOS_TRUSTED_PROXY_COUNT, settings.AGENTOS_BEHIND_TLS_PROXY = (
            500,
            proxies,
            tls_proxy,
        )
        assert limits.Crowd.allowed(limits.network_of_peer((peer, 1) if peer else None)) == allowed

    def test_of_one_network_count_together(self) -> None:
        assert limits.network_of_peer(("2001:db8:1:2::3", 1)) == limits.network_of_peer(("2001:db8:1:2:f::4", 2))


class TestFiles:
    @pytest.mark.parametrize(("number", "most"), [(64, (32, 16)), (256, (128, 64)), (1024, (896, 64)), (65_536, (65_408, 64))])
    def test_leave_some_for_the_house(self, number: int, most: tuple[int, int]) -> None:
        crowd = limits.Crowd(number)
        assert (crowd.most, crowd.most_surplus) == most

    def test_that_may_not_be_opened_any_more_are_said(self, caplog: pytest.LogCaptureFixture) -> None:
        """The loop drops a connection for which it gets no file, without a word."""
        repeated.forget()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files.look()
        assert not caplog.records
        with Path(os.devnull).open("rb") as free:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (free.fileno(), hard))
                files.look()
                files.look()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert len(caplog.records) == 1
        assert "new connections are dropped" in caplog.text

    @pytest.mark.parametrize(("hard", "says"), [(300, "Only 300 files"), (5000, "5000")])
    def test_are_as_many_as_the_system_lets_us(self, hard: int, says: str) -> None:
        program = "import logging; logging.basicConfig(); from agentos.core.serving import files; print(files.raise_limit())"
        limited = f"ulimit -Sn 200 && ulimit -Hn {hard} && exec {sys.executable} -c '{program}'"
        done = subprocess.run(["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout == f"{hard}\n"
        assert says in done.stdout + done.stderr
        assert bool(done.stderr) is (hard < files.SMALL)
