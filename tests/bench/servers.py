"""The two servers: how each is started, asked, and looked at."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from uuid import uuid4

from tests.bench.people import Person
from tests.bench.wire import Heard, listen, request

ROOT = Path(__file__).resolve().parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    """Start a server, wait until it takes connections, give its process id, and end it afterwards."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    try:
        over = time.monotonic() + START_SECONDS
        while True:
            if process.poll() is not None or time.monotonic() > over:
                msg = f"The server did not start: {' '.join(command)}"
                raise RuntimeError(msg)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


class Ours:
    """A chat in the browser's way: its page is open and followed, the form is posted, the answer comes over the tab's live stream."""

    name = "ours"

    def __init__(self, port: int, people: list[Person]) -> None:
        self.port = port
        self.people = people
        self.open_tabs: dict[int, tuple[str, asyncio.StreamReader, asyncio.StreamWriter]] = {}

    @staticmethod
    def command(port: int) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "manage.py", "agentos_serve"], {"PORT": str(port)}

    async def open(self, number: int) -> None:
        """Load the page of an empty chat, and follow it as the page says."""
        person = self.people[number]
        chat = person.chats.pop()
        cookies = {"Cookie": person.cookies}
        page, page_writer = await request(self.port, "GET", f"/agentos/session/{chat}/", headers=cookies)
        found = re.search(rb'hx-sse:connect="([^"]+)"', await page.read())
        page_writer.close()
        assert found is not None, "the page does not say where its stream is"
        live, live_writer = await request(self.port, "GET", unescape(found[1].decode()), headers=cookies)
        self.open_tabs[number] = chat, live, live_writer

    async def chat(self, number: int, heard: Heard) -> None:
        person = self.people[number]
        chat, live, live_writer = self.open_tabs.pop(number)
        cookies = {"Cookie": person.cookies, "X-CSRFToken": person.csrf}
        hearing = asyncio.create_task(listen(live, heard, text=b'-part-0-tail"', end=b'data-status="completed"'))
        heard.asked = time.perf_counter()
        headers = {**cookies, "HX-Request": "true", "HX-Request-Type": "partial", "Origin": f"http://127.0.0.1:{self.port}"}
        form = {"message": "Go on.", "idempotency_key": f"bench-{number}-{heard.asked}"}
        answer, writer = await request(self.port, "POST", f"/agentos/session/{chat}/", headers=headers, form=form)
        await answer.read()
        writer.close()
        await hearing
        live_writer.close()


class Agno:
    """The same, with Agno's own server: one request whose answer is the stream."""

    name = "AgentOS"

    def __init__(self, port: int) -> None:
        self.port = port

    @staticmethod
    def command(port: int) -> tuple[list[str], dict[str, str]]:
        return [
            sys.executable,
            "-m",
            "uvicorn",
            "tests.bench.agno_server:app",
            "--port",
            str(port),
            "--log-level",
            "warning",
            "--no-access-log",
        ], {}

    async def open(self, number: int) -> None:
        """Nothing: its pages are somebody else's, and its stream is the answer to the request."""

    async def chat(self, number: int, heard: Heard) -> None:
        heard.asked = time.perf_counter()
        # A chat of its own, as with us: what a turn costs there grows with the turns before it.
        form = {"message": "Go on.", "stream": "true", "session_id": uuid4().hex, "user_id": str(number)}
        answer, writer = await request(self.port, "POST", "/agents/bench/runs", headers={}, form=form)
        await listen(answer, heard, text=b"event: RunContent\n", end=b"event: RunCompleted\n")
        writer.close()
