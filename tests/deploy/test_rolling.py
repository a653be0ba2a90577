"""Two servers of a cluster behind a proxy, started anew one after the other while people write: nobody is refused, nothing is lost."""

import re
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx2 as httpx
import pytest

from tests import proxies
from tests.cluster import Cluster, database, until
from tests.deploy.conftest import NAME, PATIENCE, caddy, client_of, nginx, proxy
from tests.server import free_port

pytestmark = [pytest.mark.postgres, pytest.mark.server, pytest.mark.timeout(600)]

VISITORS = 8
LOSES_BODIES = (2, 11, 1)  # and older
SEND = "/api/v1/agentos/send-message/"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with database("rolling") as url:
        made = Cluster(tmp_path, url, ALLOWED_HOSTS=f"{NAME},127.0.0.1", AGENTOS_GRACE_SECONDS="20")
        try:
            made.start()
            yield made
        finally:
            made.stop()


def caddy_version() -> tuple[int, ...]:
    said = subprocess.run([str(proxies.program("caddy")), "version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)[:3]))


class Visitors:
    """Each sends one message after the other: half of them wait for the answer, half are content to know that it was taken in."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.failed: list[str] = []
        self.taken: list[str] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(number,)) for number in range(VISITORS)]

    def write(self, number: int) -> None:
        waits = number % 2 == 0
        with client_of(self.port, self.token) as client:
            while not self.stopping.is_set():
                text = f"Hello {uuid.uuid4()}"
                try:
                    answer = client.post(SEND, json={"agent_id": "echo", "message": text, "background": not waits})
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    continue
                if answer.status_code not in {200, 202} or (waits and text not in str(answer.json()["response"])):
                    self.failed.append(f"{answer.status_code} {answer.text[:200]}")
                else:
                    self.taken.append(text)

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def until_more(self, count: int) -> None:
        enough = len(self.taken) + count
        until(lambda: len(self.taken) >= enough or self.failed, PATIENCE)


@pytest.mark.parametrize("kind", [nginx, caddy], ids=["nginx", "caddy"])
def test_loses_no_request_and_no_message(cluster: Cluster, tmp_path: Path, kind: Callable[[Path, int, list[int]], list[str]]) -> None:
    if proxies.program(kind.__name__) is None:
        pytest.skip(f"{kind.__name__} is not on this machine: python -m tests.proxies")
    if kind is caddy and caddy_version() <= LOSES_BODIES:
        pytest.skip("This Caddy sends no body when it asks the next server (its issue 7546).")
    port = free_port()
    with proxy(kind, tmp_path, port, [server.port for server in cluster.servers]), Visitors(port, cluster.token) as visitors:
        visitors.until_more(2 * VISITORS)
        for server in cluster.servers:
            server.stop()
            visitors.until_more(VISITORS)  # with the other one alone
            server.start()
            visitors.until_more(2 * VISITORS)
    assert visitors.failed == []
    over = time.monotonic() + PATIENCE
    while open_runs := cluster.sql("SELECT run_id FROM chat_run WHERE status IN ('queued', 'running')"):
        assert time.monotonic() < over, open_runs
        time.sleep(0.1)
    assert sorted(cluster.sql("SELECT input, status FROM chat_run")) == sorted((text, "completed") for text in visitors.taken)
