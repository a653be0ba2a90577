"""Two servers over one PostgreSQL and one Redis: they count and lock together, forget together, and go on when Redis is away."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from redis import Redis

from tests import postgres, redis
from tests.redis import RedisServer
from tests.server import ROOT, Server

pytestmark = [pytest.mark.redis, pytest.mark.server]

API = "/api/v1/agentos"
SLOWEST = 4.0  # seconds for an answer while Redis hangs: a try or two of half a second, and the answer
PATIENCE = 30.0  # seconds
SEED = """
from django.core.management import call_command
from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.agents.actions import create_agent
from agentos.agents.demo import make_demo
call_command("migrate", verbosity=0)
make_demo()
create_agent(agent_id="echo", name="Echo", model="scripted:echo", is_global=True, by=None)
print(create_token(by=User.objects.get(email="member@example.com"), name="test", scopes=list(SCOPES), days=1)[1])
"""
TAKE_AWAY = """
from agentos.agents.actions import deactivate_agent
from agentos.agents.models import DjangoAgent
deactivate_agent(agent=DjangoAgent.objects.get(agent_id="{}"), by=None)
"""


class Site:
    """Two servers, with a client of each that carries the token of member@example.com."""

    def __init__(self, data: Path, database_url: str, cache: RedisServer) -> None:
        self.cache = cache
        self.servers = [Server(data, DATABASE_URL=database_url, CACHE_URL=cache.url) for _ in range(2)]
        self.token = self.shell(SEED).splitlines()[-1]

        headers = {"Authorization": f"Bearer {self.token}"}
        self.clients = [httpx.Client(base_url=server.origin, headers=headers, timeout=PATIENCE) for server in self.servers]

    def start(self) -> None:
        with ThreadPoolExecutor() as both:
            list(both.map(Server.start, self.servers))

    def stop(self) -> None:
        for server, client in zip(self.servers, self.clients, strict=True):
            client.close()
            if server.process and server.process.poll() is None:
                server.stop()

    def wait_until_it_is_used(self) -> None:
        with self.cache.ask() as asked:
            for client in self.clients:
                asked.flushdb()
                until(partial(is_remembered, client, asked))

    def shell(self, code: str) -> str:
        """Run it in a third process."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=self.servers[0].env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A database of its own, on the server that the other tests use as well."""
    name = f"agentos_two_servers_{time.time_ns()}"
    with postgres.server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Site]:
    """They are started while Redis is not there."""
    with redis.server("a-secret") as cache:
        cache.stop()
        made = Site(tmp_path_factory.mktemp("two-servers"), database_url, cache)
        try:
            made.start()
            assert [sign_in_at(server, "nobody@example.com", "wrong") for server in made.servers] == [422, 422]
            cache.start()
            made.wait_until_it_is_used()
            yield made
        finally:
            made.stop()


@contextmanager
def browser(server: Server) -> Iterator[httpx.Client]:
    """One that has never been here."""
    with httpx.Client(base_url=server.origin, timeout=PATIENCE) as opened:
        opened.get("/sign-in/")
        yield opened


def sign_in(browser: httpx.Client, email: str, password: str) -> int:
    fields = {"email": email, "password": password, "csrfmiddlewaretoken": browser.cookies["csrf"]}
    return browser.post("/sign-in/", data=fields).status_code


def sign_in_at(server: Server, email: str, password: str) -> int:
    with browser(server) as opened:
        return sign_in(opened, email, password)


def agents(client: httpx.Client) -> set[str]:
    answer = client.get(f"{API}/agents/")
    assert answer.status_code == 200, answer.text
    return {agent["id"] for agent in answer.json()["agents"]}


def keys(asked: Redis, kind: str) -> list[bytes]:
    return list(asked.scan_iter(f"*:{kind}:*"))


def is_remembered(client: httpx.Client, asked: Redis) -> bool:
    """Whether what this server was just asked for stands in Redis now."""
    return bool(agents(client) and keys(asked, "agents"))


def left(client: httpx.Client) -> int:
    """How many requests the token has left."""
    return int(client.get(f"{API}/agents/").headers["RateLimit"].partition(";r=")[2].partition(";")[0])


def ask(client: httpx.Client, message: str) -> str:
    answer = client.post(f"{API}/send-message/", json={"agent_id": "echo", "message": message})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["session_id"])


def timed(work: Callable[[], Any]) -> Any:
    begun = time.monotonic()
    done = work()
    assert time.monotonic() - begun < SLOWEST
    return done


def until(look: Callable[[], Any]) -> None:
    over = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < over
        time.sleep(0.1)


class TestTwoServers:
    def test_count_together(self, site: Site) -> None:
        here, there = site.clients
        # A second time when a window ends between them.
        rounds = ([left(client) for client in (here, there, here, there)] for _ in range(2))
        assert any([counts[0] - count for count in counts] == [0, 1, 2, 3] for counts in rounds)
        with site.cache.ask() as asked:
            assert {0 < asked.ttl(key) <= 61 for key in keys(asked, "limit:token")} == {True}

    def test_lock_an_account_together(self, site: Site) -> None:
        here, there = site.servers
        assert [sign_in_at(server, "stranger@example.com", "wrong") for server in (here, there, here, there)] == [422] * 4
        assert sign_in_at(here, "stranger@example.com", "wrong") == 429
        assert [sign_in_at(server, "stranger@example.com", "demo") for server in (here, there)] == [429, 429]

    def test_forget_together_what_a_third_process_takes_away(self, site: Site) -> None:
        here, there = site.clients
        assert "support-writer" in agents(here) & agents(there)
        with site.cache.ask() as asked:
            assert keys(asked, "agents")
        site.shell(TAKE_AWAY.format("support-writer"))
        assert "support-writer" not in agents(here) | agents(there)

    def test_go_on_while_it_hangs_and_when_it_is_gone_and_use_it_when_it_is_back(self, site: Site) -> None:
        site.cache.hang()
        self.go_on(site)
        site.cache.stop()
        self.go_on(site)
        site.cache.start()
        site.wait_until_it_is_used()
        here, there = site.clients
        until(lambda: left(here) - left(there) == 1)
        log = site.servers[0].log  # they share their folder, and it
        assert "Traceback" not in log
        assert "a-secret" not in log
        assert log.count("The cache is away") == log.count("The cache is back.") == 4  # when they started and now, each

    def go_on(self, site: Site) -> None:
        for server, client in zip(site.servers, site.clients, strict=True):
            session_id = ask(client, "Are *you* there?")
            with browser(server) as person:
                assert timed(partial(sign_in, person, "member@example.com", "demo")) == 302
                chat = f"/agentos/session/{session_id}/"
                for path in (chat, "/agentos/", "/agentos/agents/", "/agentos/sessions/") * 2:
                    answer = timed(partial(person.get, path))
                    assert answer.status_code == 200
                assert "Are <em>you</em> there?" in person.get(chat).text
            for _ in range(3):
                assert timed(partial(agents, client))
