"""Servers that share a PostgreSQL, each in a process of its own, with people who use one or the other."""

import codecs
import contextlib
import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
from psycopg.rows import dict_row

from tests import postgres
from tests.live_dom import LiveDom
from tests.server import ROOT, Server

PATIENCE = 60.0  # seconds, for what has to happen sooner or later
SEED = """
from django.core.management import call_command
from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.agents.actions import create_agent
from agentos.agents.demo import make_demo
call_command("migrate", verbosity=0)
make_demo()
for name, model in {agents!r}.items():
    create_agent(agent_id=name, name=name.title(), model=model, is_global=True, by=None)
print(create_token(by=User.objects.get(email="member@example.com"), name="test", scopes=list(SCOPES), days=1)[1])
"""
AGENTS = {
    "echo": "scripted:echo",
    "words": "scripted:100x30",
    "long": "scripted:2000x20",
    "silent": "scripted:hang@3",
    "mute": "scripted:hang",
    "closing": "scripted:hang@3",
    "careful": "scripted:approve",
    "tool": "scripted:tool",
}
LIMITLESS = {f"AGENTOS_{name}_A_MINUTE": "0" for name in ("SIGN_INS", "SENDS", "CREATIONS", "TOKEN_REQUESTS")}


@contextmanager
def database(name: str = "cluster") -> Iterator[str]:
    """Give the URL of a new database, on the server that other tests use as well."""
    name = f"agentos_{name}_{time.time_ns()}"
    with postgres.server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Cluster:
    """Servers of one site. ``api`` has a client of each that carries the token of member@example.com."""

    def __init__(self, data: Path, database_url: str, count: int = 2, **more: str) -> None:
        self.database_url = database_url
        self.servers = []
        for number in range(count):
            folder = data / str(number)
            folder.mkdir()
            self.servers.append(Server(folder, DATABASE_URL=database_url, **LIMITLESS, SECRET_KEY="x" * 60, **more))
        self.token = self.shell(SEED.format(agents=AGENTS)).splitlines()[-1]
        self.api = [
            httpx.Client(base_url=f"{server.origin}/api/v1/agentos", headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE)
            for server in self.servers
        ]

    def start(self) -> None:
        with ThreadPoolExecutor() as all_of_them:
            list(all_of_them.map(Server.start, self.servers))

    def stop(self) -> None:
        for client in self.api:
            client.close()
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.process.kill()
                server.process.wait()

    def shell(self, code: str) -> str:
        """Run it in a process of its own."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=self.servers[0].env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def send(self, message: str, *, at: int = 0, agent: str = "", session: str = "") -> dict[str, Any]:
        """Send a message through the API of a server, and do not wait for the answer."""
        where = {"session_id": session} if session else {"agent_id": agent}
        answer = self.api[at].post("/send-message/", json={**where, "message": message, "background": True})
        assert answer.status_code in {200, 202}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def run(self, run_id: str) -> dict[str, Any]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            found: dict[str, Any] | None = connection.execute("SELECT * FROM chat_run WHERE run_id = %s", [run_id]).fetchone()
        assert found
        return found

    def wait_for(self, run_id: str, *statuses: str, seconds: float = PATIENCE) -> dict[str, Any]:
        until(lambda: self.run(run_id)["status"] in statuses, seconds)
        return self.run(run_id)

    def sign_in(self, email: str = "member@example.com") -> httpx.Client:
        """A browser; its cookies are good at all servers."""
        browser = httpx.Client(timeout=PATIENCE)
        origin = self.servers[0].origin
        browser.get(f"{origin}/sign-in/")
        fields = {"email": email, "password": "demo", "csrfmiddlewaretoken": browser.cookies["csrf"]}
        assert browser.post(f"{origin}/sign-in/", data=fields).status_code == 302
        return browser


class Worker:
    """A process that drives runs for the servers of a cluster."""

    def __init__(self, cluster: Cluster, log: Path, **more: str) -> None:
        self.env = {**cluster.servers[0].env, **more}
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.write_text("")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "manage.py", "agentos_worker"], cwd=ROOT, env=self.env, stdout=log, stderr=log)
        until(lambda: "The worker is ready." in self.log.read_text())

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


class Tab:
    """A page that somebody has open at a server: a thread follows its stream, and does to the page what htmx would."""

    def __init__(self, browser: httpx.Client, server: Server, path: str) -> None:
        self.browser, self.server, self.path = browser, server, path
        page = browser.get(f"{server.origin}{path}")
        assert page.status_code == 200, page.text
        self.dom = LiveDom(page.text)
        found = re.search(r'hx-sse:connect="([^"]+)"', page.text)
        assert found
        self.url = unescape(found[1])
        self.cursor = ""
        self.closed = False
        self.lock = threading.Lock()
        self.heard: list[tuple[float, str]] = []  # frames, each with its moment
        self.connected = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.connected.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True
        with contextlib.suppress(OSError, AttributeError):  # it is between two connections
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)

    def _follow(self) -> None:
        while not self.closed:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
            try:
                self._listen()
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
            finally:
                self.connection.close()

    def _listen(self) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
        headers = {"Cookie": cookies, **({"Last-Event-ID": self.cursor} if self.cursor else {})}
        self.connection.request("GET", self.url, headers=headers)
        with self.connection.getresponse() as answer:
            if answer.status != HTTPStatus.OK:
                self.closed = True
                return
            text, decode = "", codecs.getincrementaldecoder("utf-8")().decode
            while chunk := answer.read1(2**16):
                self.connected.set()
                *frames, text = (text + decode(chunk)).split("\n\n")
                for frame in frames:
                    self._take(frame)

    def _take(self, frame: str) -> None:
        data = "\n".join(line[6:] for line in frame.split("\n") if line.startswith("data: "))
        with self.lock:
            self.heard.append((time.monotonic(), frame))
            self.dom.apply(data)
        if ids := re.search(r"^id: (.+)$", frame, re.MULTILINE):
            self.cursor = ids[1]

    def says(self, text: str) -> bool:
        with self.lock:
            return text in " ".join(self.dom.words())

    def shown(self, element: str) -> str:
        with self.lock:
            return self.dom.shown(element)

    def is_fresh(self, *elements: str) -> bool:
        """Whether these elements are as on a page that is loaded now."""
        fresh = LiveDom(self.browser.get(f"{self.server.origin}{self.path}").text)
        return all(self.shown(element) == fresh.shown(element) for element in elements)


def until(look: Callable[[], Any], seconds: float = PATIENCE) -> None:
    over = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < over, "It did not happen in time."
        time.sleep(0.02)
