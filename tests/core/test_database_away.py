"""A real server whose database goes away under its open streams: they stay open, beat, and tell what was missed when it is back."""

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgres
from tests.server import ROOT, Server

PATIENCE = 60.0  # seconds
AWAY = 22.0  # seconds: longer than a heartbeat takes
SEED = """
from django.core.management import call_command
from agentos.agents.actions import create_agent
from agentos.agents.demo import make_demo
call_command("migrate", verbosity=0)
make_demo()
create_agent(agent_id="echo", name="Echo", model="scripted:echo", is_global=True, by=None)
"""

pytestmark = [pytest.mark.server, pytest.mark.timeout(400)]


def seed(server: Server) -> None:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", SEED]
    subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, timeout=90, check=True)


class Person:
    """Somebody with a chat and its live stream, which is read by a thread."""

    def __init__(self, server: Server) -> None:
        self.origin = server.origin
        self.client = httpx.Client(base_url=server.origin, timeout=PATIENCE)
        self.client.get("/sign-in/")
        fields = {"email": "member@example.com", "password": "demo", "csrfmiddlewaretoken": self.client.cookies["csrf"]}
        assert self.client.post("/sign-in/", data=fields).status_code == 302
        answer = self.send("/agentos/chat/echo/", "Hello.")
        self.chat = answer.headers["location"]
        page = self.client.get(self.chat).text
        found = re.search(r'hx-sse:connect="([^"]+)"', page)
        assert found
        self.live_url = unescape(found[1])
        self.heard = ""
        self.ended = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        self.until(lambda: "connected" in self.heard)

    def send(self, url: str, text: str) -> httpx.Response:
        fields = {"message": text, "idempotency_key": f"key-{time.time_ns()}", "csrfmiddlewaretoken": self.client.cookies["csrf"]}
        answer = self.client.post(url, data=fields)
        assert answer.status_code in {200, 302, 303}, answer.text
        return answer

    def _listen(self) -> None:
        stream = httpx.stream("GET", f"{self.origin}{self.live_url}", cookies=dict(self.client.cookies), timeout=PATIENCE)
        with suppress(httpx.HTTPError), stream as answer:  # the server may end before its reader does
            for piece in answer.iter_text():
                self.heard += piece
        self.ended.set()

    def until(self, look: Callable[[], Any]) -> None:
        over = time.monotonic() + PATIENCE
        while not look():
            assert not self.ended.is_set(), f"the stream ended: {self.heard[-500:]}"
            assert time.monotonic() < over, self.heard[-500:]
            time.sleep(0.1)


@contextmanager
def chatting(server: Server) -> Iterator[Person]:
    seed(server)
    server.start()
    try:
        person = Person(server)
        yield person
        person.client.close()
    finally:
        if server.process and server.process.poll() is None:
            server.stop()


def test_postgresql_is_stopped_and_started_again(tmp_path: Path) -> None:
    with postgres.own_server() as (url, database):
        server = Server(tmp_path, DATABASE_URL=url, AGENTOS_SENDS_A_MINUTE="0")
        with chatting(server) as person:
            person.until(lambda: "Hello." in person.heard)
            database.stop()
            silent = len(person.heard)
            time.sleep(AWAY)
            assert "beat" in person.heard[silent:]
            assert not person.ended.is_set()
            database.ensure_postgres_running()
            person.until(lambda: person.client.get(person.chat).status_code == 200)
            person.send(person.chat, "Are you back?")
            person.until(lambda: "Are you back?" in person.heard[silent:])
        assert "Traceback" not in server.log.partition("open streams wait for it")[0]
        assert server.log.count("open streams wait for it") <= 2


def test_sqlite_is_locked_by_another_program(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with chatting(server) as person:
        with closing(sqlite3.connect(tmp_path / "agentos.sqlite3", isolation_level=None, timeout=20)) as other:
            other.execute("BEGIN EXCLUSIVE")
            locked = len(person.heard)
            sending = threading.Thread(target=person.send, args=(person.chat, "Do you wait?"))
            sending.start()
            time.sleep(AWAY - 4)  # a writer waits for twenty seconds
            assert not person.ended.is_set()
            assert "beat" in person.heard[locked:]
            other.execute("COMMIT")
        sending.join(PATIENCE)
        person.until(lambda: "Do you wait?" in person.heard[locked:])
