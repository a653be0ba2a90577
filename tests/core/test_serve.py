"""`manage.py agentos_serve`, started as a person starts it."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from agentos.core.management.commands.agentos_serve import is_loopback

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
STOP_SECONDS = 8.0  # on a machine with much else to do; running answers would be given 20

pytestmark = pytest.mark.server


def command(tmp_path: Path, port: int, *options: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "agentos_serve", *options],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "AGENTOS_LOCAL": "1",
            "AGENTOS_LOCAL_MODEL": "0",
            "AGENTOS_SCRIPTED_MODELS": "1",
            "AGENTOS_DATA_DIR": str(tmp_path),
            "PORT": str(port),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number: int = listening.getsockname()[1]
        return number


def read_until(server: "subprocess.Popen[str]", text: str) -> str:
    assert server.stdout is not None
    said = ""
    end = time.monotonic() + START_SECONDS
    while text not in said and time.monotonic() < end:
        line = server.stdout.readline()
        assert line or server.poll() is None, said
        said += line
    return said


class TestAgentosServe:
    def test_says_where_to_go_and_ends_at_once_with_ctrl_c(self, tmp_path: Path, port: int) -> None:
        server = command(tmp_path, port, "--migrate", "--demo")
        try:
            said = read_until(server, "Ctrl-C")
            assert f"AgentOS is ready: http://localhost:{port}/agentos/" in said
            assert "owner@example.com" in said
            with urlopen(f"http://127.0.0.1:{port}/sign-in/", timeout=5) as answer:
                assert answer.status == 200
            asked = time.monotonic()
            server.send_signal(signal.SIGINT)
            assert server.wait(10) == 0
            assert time.monotonic() - asked < STOP_SECONDS
        finally:
            server.kill()
            rest, _ = server.communicate()
        assert "Traceback" not in rest

    def test_leaves_everything_in_one_file(self, tmp_path: Path, port: int) -> None:
        server = command(tmp_path, port, "--migrate", "--demo")
        try:
            read_until(server, "Ctrl-C")
            url, login = f"http://127.0.0.1:{port}/agentos/", {"Cookie": f"session={'a' * 32}"}  # which is looked for in the database
            with ThreadPoolExecutor(8) as people:
                answers = people.map(lambda _: urlopen(Request(url, headers=login), timeout=5), range(40))
                assert {answer.status for answer in answers} == {200}
            server.send_signal(signal.SIGINT)
            assert server.wait(10) == 0
        finally:
            server.kill()
            server.communicate()
        copy = shutil.copy(tmp_path / "agentos.sqlite3", tmp_path / "copy.sqlite3")
        with closing(sqlite3.connect(copy)) as database:
            assert database.execute("SELECT count(*) FROM access_user").fetchone()[0] > 1

    def test_names_a_port_that_is_taken(self, tmp_path: Path, taken: int) -> None:
        server = command(tmp_path, taken)
        said, _ = server.communicate(timeout=START_SECONDS)
        assert server.returncode == 1
        assert said.startswith(f"CommandError: Cannot listen on 127.0.0.1:{taken} (Address already in use).")
        assert "Traceback" not in said

    def test_keeps_a_local_installation_on_this_machine(self, tmp_path: Path, port: int) -> None:
        server = command(tmp_path, port, HOST="0.0.0.0")  # noqa: S104
        said, _ = server.communicate(timeout=START_SECONDS)
        assert server.returncode == 1
        assert "only listens on this machine" in said


class TestIsLoopback:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
    def test_knows_this_machine(self, host: str) -> None:
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com", ""])  # noqa: S104
    def test_knows_others(self, host: str) -> None:
        assert not is_loopback(host)
