"""Messages are taken on the loop, since they are short, and on a thread where they would have to wait: once, whichever it was."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.core.signals import request_started
from django.db import connection, transaction
from django.test import Client

from agentos.access.models import User
from agentos.chat.models import ChatSession, Run
from agentos.core import bursts, db, on_loop
from site_config.pages import SHORT_BODY, is_short
from tests.site_config.test_asgi import Caller, requests

CSRF = "c" * 32
sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="elsewhere nothing is done on the loop")


@pytest.fixture
def cookie(member: User) -> str:
    client = Client()
    client.force_login(member)
    return "; ".join([*(f"{name}={morsel.value}" for name, morsel in client.cookies.items()), f"csrf={CSRF}"])


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_loop, "pace", on_loop.Pace())


@pytest.fixture
def threads() -> Iterator[list[bool]]:
    """For each request, whether it was begun in this thread."""
    begun: list[bool] = []
    here = threading.get_ident()

    def note(**_: object) -> None:
        begun.append(threading.get_ident() == here)

    request_started.connect(note)
    yield begun
    request_started.disconnect(note)


async def send(session: ChatSession, cookie: str, text: str = "Hello", key: str = "") -> tuple[int, str]:
    body = urlencode({"message": text, "idempotency_key": key}).encode()
    headers = {"Cookie": cookie, "X-CSRFToken": CSRF, "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, answer = await Caller(body).ask("POST", f"/agentos/session/{session.session_id}/", headers)
    return status, answer.decode()


async def inputs() -> list[str]:
    return await sync_to_async(lambda: list(Run.objects.order_by("pk").values_list("input", flat=True)))()


class TestMessages:
    async def test_are_taken_wherever_they_can(self, session: ChatSession, cookie: str, threads: list[bool]) -> None:
        status, answer = await send(session, cookie)
        assert (status, 'data-status="queued"' in answer) == (200, True)
        assert threads == [connection.vendor == "sqlite"]
        assert await inputs() == ["Hello"]

    @sqlite_only
    async def test_wait_on_a_thread_while_another_writes(self, session: ChatSession, cookie: str, threads: list[bool]) -> None:
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        sending = asyncio.ensure_future(send(session, cookie))
        while len(threads) < 2:
            await asyncio.sleep(0.001)
        assert not sending.done()
        other.close()
        assert (await sending)[0] == 200
        assert threads == [True, False]
        assert await inputs() == ["Hello"]

    @sqlite_only
    async def test_hold_up_nobody_who_listens(self, session: ChatSession, cookie: str) -> None:
        """A hundred of them at once, while a thread writes: the loop turns all the time."""
        began, go_on = threading.Event(), threading.Event()

        def write() -> None:
            with transaction.atomic():
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

    @sqlite_only
    async def test_leave_the_loop_to_others_when_many_come(
        self, session: ChatSession, cookie: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bursts, "STRETCH", 0.0)  # after every single one
        monkeypatch.setattr(db, "MOST_AT_ONCE", 1)
        first = asyncio.ensure_future(send(session, cookie, "one"))
        second = asyncio.ensure_future(send(session, cookie, "two"))
        assert (await first)[0] == 200
        assert not second.done()
        assert (await second)[0] == 200
        assert await inputs() == ["one", "two"]

    @sqlite_only
    async def test_that_come_together_are_one_transaction(self, session: ChatSession, cookie: str, threads: list[bool]) -> None:
        """And one that is refused in their midst takes nobody with it."""
        texts = ["one", " ", "two", "three"]
        answers = await asyncio.gather(*(send(session, cookie, text) for text in texts))
        assert [status for status, _ in answers] == [200, 422, 200, 200]
        assert await inputs() == ["one", "two", "three"]
        assert threads == [True] * len(texts)  # each once, and none in a thread

    async def test_leave_nothing_to_the_garbage_collector(self, session: ChatSession, cookie: str) -> None:
        before = requests()
        gc.disable()
        try:
            assert (await send(session, cookie))[0] == 200
            assert [request for request in requests() if request not in before and vars(request)] == []
        finally:
            gc.enable()

    async def test_are_refused_like_elsewhere(self, session: ChatSession, cookie: str) -> None:
        status, answer = await send(session, cookie, text=" ")
        assert (status, "Write a message first." in answer) == (422, True)
        assert (await send(session, cookie.replace(CSRF, "d" * 32)))[0] == 403
        assert await inputs() == []


@pytest.mark.parametrize(
    ("method", "path", "size", "expected"),
    [
        ("POST", "/agentos/session/chat_1/", 100, True),
        ("POST", "/agentos/chat/agent/", 100, True),
        ("POST", "/agentos/session/chat_1/", SHORT_BODY + 1, False),
        ("GET", "/agentos/session/chat_1/", 0, False),
        ("POST", "/agentos/session/chat_1/rename/", 100, False),
        ("POST", "/sign-in/", 100, False),
    ],
)
def test_only_messages_are_short(method: str, path: str, size: int, expected: bool) -> None:
    assert is_short({"method": method, "path": path}, b"x" * size) is expected


def test_nothing_is_short_that_asks_a_shared_cache(settings: pytest.FixtureRequest) -> None:
    settings.CACHE_URL = "redis://localhost/0"  # type: ignore[attr-defined]
    assert not is_short({"method": "POST", "path": "/agentos/chat/agent/"}, b"")
