"""A server that is started anew behind a socket which somebody else holds open: nobody is refused, whatever was under way."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.server import ROOT, START_SECONDS, Server, answers

pytestmark = pytest.mark.server

PATIENCE = 60  # seconds


@pytest.fixture
def held() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        yield listening


def start(server: Server, held: socket.socket) -> subprocess.Popen[bytes]:
    with (server.data / "server.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "agentos_serve", "--migrate", "--fd", str(held.fileno())],
            cwd=ROOT,
            env=server.env,
            stdout=log,
            stderr=log,
            pass_fds=(held.fileno(),),
        )


def until_ready(server: Server, starts: int) -> None:
    over = time.monotonic() + START_SECONDS
    while server.log.count("AgentOS is ready") < starts:
        assert time.monotonic() < over, server.log
        time.sleep(0.05)


class Visitors:
    """Ask again and again, each time on a connection of its own. ``failed``: what went wrong."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.failed: list[str] = []
        self.answered = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(count)]

    def ask(self) -> None:
        while not self.stopping.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                connection.request("GET", "/sign-in/", headers={"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.answered += 1
                else:
                    self.failed.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            finally:
                connection.close()

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)


@pytest.mark.timeout(300)
def test_a_restart_loses_no_request(tmp_path: Path, held: socket.socket) -> None:
    server = Server(tmp_path)
    process = start(server, held)
    try:
        until_ready(server, 1)
        with Visitors(held.getsockname()[1], 8) as visitors:
            for starts in (2, 3):
                before = visitors.answered
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)
                process = start(server, held)
                until_ready(server, starts)
                over = time.monotonic() + PATIENCE
                while visitors.answered < before + 50 and time.monotonic() < over:
                    time.sleep(0.05)
        assert visitors.failed == []
        assert visitors.answered >= 100
        assert f"http://localhost:{held.getsockname()[1]}/agentos/" in server.log
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.mark.timeout(300)
def test_a_request_that_is_on_its_way_when_the_server_is_told_to_stop_is_answered(tmp_path: Path, held: socket.socket) -> None:
    server = Server(tmp_path)
    process = start(server, held)
    port = held.getsockname()[1]
    try:
        until_ready(server, 1)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as new,
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as begun,
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as silent,
        ):
            begun.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            assert answers(port)  # and so the three have been taken
            process.send_signal(signal.SIGTERM)
            new.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            begun.sendall(b"\r\n")
            for connection in (new, begun):
                answer = b"".join(iter(lambda taken=connection: taken.recv(65_536), b""))  # type: ignore[misc]
                assert answer.startswith(b"HTTP/1.1 200 ")
            assert silent.recv(1) == b""
        assert process.wait(PATIENCE) in {0, -signal.SIGTERM}
    finally:
        process.kill()
        process.wait()


class TestSystemd:
    @pytest.mark.timeout(120)
    def test_gives_its_socket_and_is_told_when_the_server_is_ready(self, tmp_path: Path, held: socket.socket) -> None:
        """Its protocol: the socket is number 3, and LISTEN_PID is who it is for."""
        server = Server(tmp_path)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(str(tmp_path / "notify"))
        told.settimeout(PATIENCE)
        script = f'exec 3<&{held.fileno()}; LISTEN_PID=$$ exec "$@"'
        env = server.env | {"LISTEN_FDS": "1", "NOTIFY_SOCKET": str(tmp_path / "notify")}
        command = ["bash", "-c", script, "bash", sys.executable, "manage.py", "agentos_serve", "--migrate"]
        with (tmp_path / "server.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, pass_fds=(held.fileno(),))
        try:
            assert told.recv(100) == b"READY=1"
            assert answers(held.getsockname()[1])
        finally:
            process.terminate()
            process.wait(PATIENCE)
            told.close()

    @pytest.mark.parametrize(("count", "sentence"), [("2", "systemd has given 2 sockets"), ("1", "There is no socket under the number 3")])
    def test_what_it_gives_wrongly_is_said(self, tmp_path: Path, count: str, sentence: str) -> None:
        env = Server(tmp_path).env | {"LISTEN_FDS": count}
        script = 'exec 3<&-; LISTEN_PID=$$ exec "$@"'
        command = ["bash", "-c", script, "bash", sys.executable, "manage.py", "agentos_serve"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["a file", "not listening", "of another kind", "away"])
def test_a_number_that_is_no_such_socket_is_said(tmp_path: Path, kind: str) -> None:
    sentences = {
        "a file": "There is no socket under the number",
        "not listening": "does not listen",
        "of another kind": "is none of TCP",
        "away": "There is no socket under the number",
    }
    with (
        (tmp_path / "file").open("wb") as file,
        socket.socket() as silent,
        socket.socket(socket.AF_UNIX) as other,
    ):
        number = {"a file": file.fileno(), "not listening": silent.fileno(), "of another kind": other.fileno(), "away": 900}[kind]
        done = subprocess.run(
            [sys.executable, "manage.py", "agentos_serve", "--fd", str(number)],
            cwd=ROOT,
            env=Server(tmp_path).env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            pass_fds=(number,) if number != 900 else (),
        )
    assert done.returncode == 1
    assert sentences[kind] in done.stderr
    assert "Traceback" not in done.stderr
