"""Two servers on the same data: on one SQLite folder the second is refused, on one PostgreSQL neither ends what the other does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from agentos.core.starting import lock
from agentos.core.starting.refusal import CannotStart
from tests import postgres
from tests.server import ROOT, Server, free_port

API = "/api/v1/agentos"
PROMISED = 60.0  # seconds in which a run ends, whatever killed it
SEED = """
from django.core.management import call_command
from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.agents.actions import create_agent
from agentos.agents.demo import make_demo
call_command("migrate", verbosity=0)
make_demo()
create_agent(agent_id="slow", name="Slow", model="scripted:{}", is_global=True, by=None)
print(create_token(by=User.objects.get(email="member@example.com"), name="test", scopes=list(SCOPES), days=1)[1])
"""
TALKS_LONG = """
from agentos.agents.models import DjangoAgent
DjangoAgent.objects.filter(agent_id="slow").update(model="scripted:5000x50")
"""


def shell(server: Server, code: str) -> str:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def serve(server: Server) -> "subprocess.CompletedProcess[str]":
    """Start another server with its environment, on another port, and wait for its end."""
    env = {**server.env, "PORT": str(free_port())}
    command = [sys.executable, "manage.py", "agentos_serve", "--migrate"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def send(client: httpx.Client) -> str:
    answer = client.post(f"{API}/send-message/", json={"agent_id": "slow", "message": "Go on.", "background": True})
    assert answer.status_code == 202, answer.text
    found: Any = answer.json()
    return str(found["run_id"])


def status(client: httpx.Client, run: str) -> str:
    answer = client.get(f"{API}/runs/{run}/")
    assert answer.status_code == 200, answer.text
    found: Any = answer.json()
    return str(found.get("run", found)["status"])


def until(client: httpx.Client, run: str, wanted: str, seconds: float) -> float:
    """Wait until the run has the status; return how long it took."""
    began = time.monotonic()
    while (found := status(client, run)) != wanted:
        assert time.monotonic() - began < seconds, found
        time.sleep(0.2)
    return time.monotonic() - began


def until_shown(client: httpx.Client, run: str) -> None:
    """Wait until somebody can have seen a word of the answer: from then on it is interrupted with its server, not begun anew."""
    with client.stream("GET", f"{API}/runs/{run}/events/") as events:
        assert any(line == "event: text" for line in events.iter_lines())


def kill(server: Server) -> None:
    assert server.process
    server.process.kill()
    server.process.wait()


def end(*servers: Server) -> None:
    for server in servers:
        if server.process and server.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                server.stop()


def client_of(server: Server, token: str) -> httpx.Client:
    return httpx.Client(base_url=server.origin, headers={"Authorization": f"Bearer {token}"}, timeout=20)


@pytest.mark.server
class TestOneFolder:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[Server]:
        server = Server(tmp_path)
        yield server
        end(server)

    def test_takes_one_server_and_names_it_to_the_second(self, server: Server) -> None:
        token = shell(server, SEED.format("1000x50"))
        server.start()
        assert server.process
        with client_of(server, token) as client:
            run = send(client)
            until(client, run, "running", 10)
            for _ in range(2):
                done = serve(server)
                assert done.returncode == 1
                assert "Traceback" not in done.stderr
                assert f"Another server works on the data in {server.data}: process {server.process.pid}, at " in done.stderr
                assert f" at http://localhost:{server.port}, since 20" in done.stderr
                assert len(done.stderr.strip().splitlines()) == 1
            # Commands work beside the server, and do not harm it.
            assert shell(server, "from agentos.chat.models import Run; print(Run.objects.count())") == "1"
            command = [sys.executable, "manage.py", "migrate"]
            assert subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, timeout=60, check=False).returncode == 0
            assert status(client, run) == "running"

    def test_refuses_a_server_that_is_not_our_command_too(self, server: Server) -> None:
        shell(server, SEED.format("1x1"))
        server.start()
        command = [sys.executable, "-m", "uvicorn", "site_config.asgi:application", "--port", str(free_port())]
        done = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "Another server works on the data in" in done.stderr
        assert "Traceback" not in done.stderr

    def test_is_free_when_its_server_was_killed_whose_runs_end_at_the_next_start(self, server: Server) -> None:
        token = shell(server, SEED.format("1000x50"))
        server.start()
        with client_of(server, token) as client:
            run = send(client)
            until_shown(client, run)
            kill(server)
            server.start()
            assert until(client, run, "interrupted", 10) < 10

    def test_is_free_when_its_server_has_ended(self, server: Server) -> None:
        shell(server, SEED.format("1x1"))
        server.start()
        server.stop()
        assert (server.data / "agentos.sqlite3.lock").read_text() == ""
        server.start()


@pytest.mark.server
@pytest.mark.timeout(400)
class TestOnePostgreSQL:
    @pytest.fixture
    def servers(self, tmp_path: Path) -> Iterator[list[Server]]:
        name = f"agentos_one_postgresql_{time.time_ns()}"
        with postgres.server() as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            own = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
            servers = [Server(tmp_path, DATABASE_URL=own) for _ in range(2)]
            yield servers
            end(*servers)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def test_leaves_the_runs_of_one_to_it_until_it_dies(self, servers: list[Server]) -> None:
        first, second = servers
        token = shell(first, SEED.format("400x60"))  # 24 seconds
        first.start()
        with client_of(first, token) as here, client_of(second, token) as there:
            run = send(here)
            until(here, run, "running", 10)
            second.start()
            until(there, run, "completed", 90)
            # Now the first one dies over a run.
            shell(second, TALKS_LONG)
            run = send(here)
            until_shown(there, run)
            kill(first)
            assert until(there, run, "interrupted", PROMISED) < PROMISED


class TestLock:
    @pytest.fixture(autouse=True)
    def own(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Leave alone what this process may hold already."""
        monkeypatch.setattr(lock._Held, "path", None)
        monkeypatch.setattr(lock._Held, "handle", None)
        yield
        lock.release()

    def hold(self, database: Path) -> "subprocess.Popen[str]":
        code = f"""
import pathlib, sys, time
from agentos.core.starting import lock
lock.take(pathlib.Path({str(database)!r}), "http://127.0.0.1:9")
print("held", flush=True)
time.sleep(60)
"""
        holder = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        return holder

    def test_dies_with_its_process(self, tmp_path: Path) -> None:
        holder = self.hold(tmp_path / "db")
        with pytest.raises(CannotStart, match=f"process {holder.pid}, at http://127.0.0.1:9, since 20"):
            lock.take(tmp_path / "db")
        assert not lock.is_held()
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        lock.take(tmp_path / "db")
        assert lock.is_held()

    def test_is_one_for_all_names_of_a_database(self, tmp_path: Path) -> None:
        (tmp_path / "db").touch()
        (tmp_path / "link").symlink_to(tmp_path / "db")
        holder = self.hold(tmp_path / "link")
        with pytest.raises(CannotStart):
            lock.take(tmp_path / "db")
        holder.kill()
        holder.communicate()

    def test_is_its_owners_alone_and_not_given_to_children(self, tmp_path: Path) -> None:
        lock.take(tmp_path / "db")
        lock.take(tmp_path / "db")  # again is no harm
        assert lock._Held.handle is not None
        assert not os.get_inheritable(lock._Held.handle)
        assert (tmp_path / "db.lock").stat().st_mode & 0o777 == 0o600
