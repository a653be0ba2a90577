"""What is published at a commit is heard by all processes, once, and not at all when it is rolled back."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from agentos.core import pubsub as pubsub_module
from agentos.core.pubsub import MemoryPubSub, Subscription, notify, pubsub

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is one process.")
SOON = 20.0  # seconds


class TestANotice:
    def test_has_all_topics_and_who_tells_them(self) -> None:
        assert [json.loads(one) for one in notify.payloads("me", ["session:1", "user:2#1"])] == [["me", "session:1", "user:2#1"]]

    def test_is_none_where_nothing_is_told(self) -> None:
        assert notify.payloads("me", []) == []

    def test_is_short_enough_however_much_is_told(self) -> None:
        topics = [f"grown#{number}.{number}" for number in range(10**12, 10**12 + 2000)]
        found = notify.payloads("0123456789ab", topics)
        assert max(len(one.encode()) for one in found) < 8000
        assert [topic for one in found for topic in json.loads(one)[1:]] == topics
        assert len(found) < 20

    def test_leaves_out_a_sentence_that_is_too_long_for_any(self) -> None:
        found = notify.payloads("me", ["session:1", "notice:1#" + "ä" * 4000, "session:2"])
        assert [json.loads(one) for one in found] == [["me", "session:1", "session:2"]]

    def test_is_published_here_unless_it_is_our_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[str] = []
        monkeypatch.setattr(pubsub, "publish", lambda *topics: heard.extend(topics))
        notify.hear(json.dumps([pubsub.process, "session:1"]))
        assert heard == []
        notify.hear(json.dumps(["another", "session:1", "session:2"]))
        assert heard == ["session:1", "session:2"]

    async def test_may_say_that_everything_has_to_be_looked_at(self) -> None:
        with pubsub.subscribe("session:1", "stop") as subscription:
            notify.hear(json.dumps(["another", notify.EVERYTHING]))
            assert await subscription.wait(SOON) == {"session:1"}


class TestEverybodyLooksAgain:
    async def test_hears_all_that_can_be_looked_up(self) -> None:
        here = MemoryPubSub()
        with here.subscribe("session:1", "draft:1", "notice:5", "stop") as one, here.subscribe("user:2") as other:
            here.publish_all()
            assert await one.wait(SOON) == {"session:1", "draft:1"}
            assert await other.wait(SOON) == {"user:2"}

    async def test_makes_old_what_was_read_before(self) -> None:
        here = MemoryPubSub()
        before = here.version("user:1")
        here.publish_all()
        assert here.version("user:1") != before


def test_nothing_of_it_is_loaded_where_one_process_is_all_there_is() -> None:
    code = "import django; django.setup(); import site_config.asgi, sys; print({'psycopg', 'agentos.core.pubsub.notify'} & {*sys.modules})"
    env = {"DJANGO_SETTINGS_MODULE": "site_config.settings", "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": "/nonexistent-but-unused"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.fixture
async def listener(transactional_db: None) -> AsyncIterator[notify.Listener]:
    made = notify.Listener()
    await made.start()
    async with asyncio.timeout(SOON):
        await made.is_connected.wait()
    await asyncio.sleep(0)
    yield made
    await made.stop()


@on_postgresql
class TestTheListener:
    async def test_hears_what_is_committed_and_nothing_else(self, listener: notify.Listener, monkeypatch: pytest.MonkeyPatch) -> None:
        with pubsub.subscribe("told") as subscription:
            await sync_to_async(self.tell)("told#lost", commit=False)
            await sync_to_async(self.tell)("told#kept", commit=True)
            assert await heard(subscription, 1) == {"told#kept"}

    def tell(self, topic: str, *, commit: bool) -> None:
        with transaction.atomic():
            notify.send("another", [topic])
            transaction.set_rollback(not commit)

    async def test_is_back_soon_and_has_everybody_look_again(self, listener: notify.Listener) -> None:
        with pubsub.subscribe("told") as subscription:
            for _ in range(2):
                await sync_to_async(self.cut)()
                assert await heard(subscription, 1) == {"told"}
                await sync_to_async(self.tell)("told#again", commit=True)
                assert await heard(subscription, 1) == {"told#again"}

    async def test_knows_when_nobody_else_listens_and_tells_nobody(
        self, listener: notify.Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Any] = []
        await until_alone(True)
        monkeypatch.setattr(notify, "send", lambda *about: sent.append(about))
        await sync_to_async(pubsub.tell_others)("told")
        assert sent == []
        monkeypatch.setattr(notify, "LOOK_SECONDS", 0.05)
        monkeypatch.setattr(pubsub, "process", "another")  # as the second one says hello
        second = notify.Listener()
        await second.start()
        await second.is_connected.wait()
        monkeypatch.undo()
        await until_alone(False)
        await second.stop()

    async def test_that_was_alone_has_those_that_came_look_again(self, listener: notify.Listener) -> None:
        """Between the moment in which another one listens and that in which this one hears of it, nothing was told."""
        await until_alone(True)
        with newcomer() as lines:  # blocks this loop, which hears nothing meanwhile
            assert lines.readline() == "['told']\n"  # its own first look
            assert pubsub.is_alone
            with ThreadPoolExecutor(1) as thread:
                thread.submit(close_after(pubsub.publish_on_commit), "told#late").result()
            assert await asyncio.wait_for(asyncio.to_thread(lines.readline), SOON) == "['told']\n"

    async def test_that_is_not_alone_any_more_tells_what_is_committed_then(self, listener: notify.Listener) -> None:
        await until_alone(True)
        with newcomer() as lines:
            assert lines.readline() == "['told']\n"
            begun, came = threading.Event(), threading.Event()
            change = asyncio.create_task(asyncio.to_thread(close_after(self.change), begun, came))
            await asyncio.to_thread(begun.wait, SOON)
            await until_alone(False)
            assert await asyncio.wait_for(asyncio.to_thread(lines.readline), SOON) == "['told']\n"
            came.set()
            await change
            assert await asyncio.wait_for(asyncio.to_thread(lines.readline), SOON) == "['told#open']\n"

    def change(self, begun: threading.Event, came: threading.Event) -> None:
        with transaction.atomic():
            pubsub.publish_on_commit("told#open")
            begun.set()
            came.wait(SOON)

    def cut(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agentos notices'")

    async def test_waits_for_a_database_that_is_away(self, listener: notify.Listener, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as away:
            away.setattr(notify, "parameters", lambda: {"host": "/nowhere"})
            await sync_to_async(self.cut)()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while listener.task and not listener.task.done():
                        await asyncio.sleep(0.05)
            assert listener.task
            assert not listener.task.done()
            assert not listener.is_connected.is_set()
        async with asyncio.timeout(SOON):
            await listener.is_connected.wait()


async def until_alone(expected: bool) -> None:
    async with asyncio.timeout(SOON):
        while pubsub.is_alone is not expected:
            await asyncio.sleep(0.02)


NEWCOMER = """
import asyncio, django
django.setup()
from agentos.core.pubsub import notify, pubsub

async def main():
    with pubsub.subscribe("told") as subscription:
        await notify.Listener().start()
        while True:
            print(sorted(await subscription.wait(60)), flush=True)

asyncio.run(main())
"""


@contextlib.contextmanager
def newcomer() -> Iterator[IO[str]]:
    """Another process that listens; give what it hears, a line each time."""
    of = connection.settings_dict
    url = f"postgres://{of['USER']}:{of['PASSWORD']}@{quote(of['HOST'], safe='')}:{of['PORT']}/{of['NAME']}"
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url}
    with subprocess.Popen([sys.executable, "-c", NEWCOMER], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout
        finally:
            process.kill()


def close_after(work: Callable[..., object]) -> Callable[..., None]:
    def done(*args: Any) -> None:
        try:
            work(*args)
        finally:
            connection.close()

    return done


async def heard(subscription: Subscription, count: int) -> set[str]:
    found: set[str] = set()
    async with asyncio.timeout(SOON):
        while len(found) < count:
            found |= await subscription.wait(SOON)
    return found


class TestPublishOnCommit:
    @pytest.mark.django_db(transaction=True)
    def test_publishes_here_at_the_commit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        here = pubsub_module.MemoryPubSub()
        monkeypatch.setattr(here, "publish", lambda *topics: told.extend(topics))
        with transaction.atomic():
            here.publish_on_commit("a", "b")
            assert told == []
        assert told == ["a", "b"]
