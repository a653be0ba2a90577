"""The log of a real server, when others do what they like: one line a minute of what they can repeat, and the id of every answer."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentos.core.serving import memory
from tests.core.test_serving_memory import arenas
from tests.server import ROOT, Server

EVENT = json.dumps({"event": "e", "data": {"text": "x" * 60_000}})
PROC = Path("/proc/self/maps")
EARLY = {
    431: b"GET /api/v1/x/ HTTP/1.1\r\nX: " + b"a" * 100_000,
    414: b"GET /" + b"a" * 20_000,
    408: b"GET / HTTP/1.1\r\n",
}
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One whose disk is full."""
    found = Server(tmp_path, LOG_LEVEL="INFO", DJANGO_SETTINGS_MODULE="site_config.settings", AGENTOS_HEADER_SECONDS="4")
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=ROOT, env=found.env, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    found.env["DJANGO_SETTINGS_MODULE"] = "tests.core.full_disk_settings"
    found.start()
    yield found
    found.stop()


def ask(server: Server, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    """Return the status and the id of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()} | (JSON if body else {}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers["X-Request-ID"]


def raw(server: Server, data: bytes) -> str:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


def lines(server: Server, *words: str) -> list[str]:
    """Return the lines with all these words. A line may be written after its answer has come: they are waited for."""
    over = time.monotonic() + 5
    while True:
        found = [line for line in server.log.splitlines() if all(word in line for word in words)]
        if found or time.monotonic() > over:
            return found
        time.sleep(0.02)


@pytest.mark.timeout(300)
def test_the_log_is_short_and_names_every_answer(server: Server) -> None:
    ids = {status: ask(server, "GET", path, X_Forwarded_For="6.6.6.6")[1] for status, path in ((404, "/nope/"), (302, "/agentos/"))}
    ids[401] = ask(server, "GET", "/api/v1/agentos/fastapi/agents")[1]
    for status, data in EARLY.items():
        answer = raw(server, data)
        assert answer.startswith(f"HTTP/1.1 {status} ")
        ids[status] = answer.split("x-request-id: ")[1].split("\r\n")[0]
    assert ask(server, "GET", "/nope/", X_Request_ID="from-a-proxy")[1] == "from-a-proxy"
    assert len(lines(server, "from-a-proxy 127.0.0.1 GET /nope/ 404 ")) == 1
    for status, given in ids.items():
        assert len(lines(server, f"{given} 127.0.0.1 GET ", f" {status} ")) == 1

    assert {
        ask(server, "GET", path, Host="evil.example")[0] for path in ("/sign-in/", "/agentos/live/", "/v1/models") for _ in range(10)
    } == {400}
    (line,) = lines(server, "evil.example")
    assert "ALLOWED_HOSTS" in line

    over = time.monotonic() + 60
    while ask(server, "POST", "/agentos/webhook/", EVENT)[0] != 507:
        assert time.monotonic() < over
    assert {ask(server, "POST", "/agentos/webhook/", EVENT)[0] for _ in range(10)} <= {507, 429}
    assert len(lines(server, "The disk is full")) == 1
    assert "django.request" not in server.log  # the line of the request says it
    assert ask(server, "GET", "/sign-in/")[0] == 200
    assert "Traceback" not in server.log

    with ThreadPoolExecutor(20) as people:
        assert {status for status, _ in people.map(lambda _: ask(server, "GET", "/sign-in/"), range(100))} == {200}
    assert server.process
    assert not PROC.exists() or arenas(str(server.process.pid)) < memory.ARENAS
