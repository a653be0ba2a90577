"""nginx and Caddy before the server, with the files in deploy/: TLS, HTTP/2, streams that flow, restarts that nobody notices."""

import threading
import time
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from tests.deploy.conftest import PATIENCE, Site

pytestmark = pytest.mark.server

API = "/api/v1/agentos"


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    with site.client() as client:
        yield client


def send(client: httpx.Client, agent: str, message: str = "Hello", **more: object) -> dict[str, object]:
    body = {"agent_id": agent, "message": message, **more}
    answer = client.post(f"{API}/send-message/", json=body)
    assert answer.status_code in {200, 202}, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_pages_come_over_http_2_and_know_that_it_is_tls(client: httpx.Client) -> None:
    answer = client.get("/sign-in/")
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_stream_flows_while_its_answer_is_written(site: Site, client: httpx.Client) -> None:
    """The answer takes a minute. Its first words have to come before it is done, and before a buffer is full."""
    run = send(client, "slow", background=True)
    with client.stream("GET", f"{API}/runs/{run['run_id']}/events/") as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line == "event: text":
                break
        found = client.get(f"{API}/runs/{run['run_id']}/").json()
        assert found["status"] == "running"
    assert client.post(f"{API}/runs/{run['run_id']}/stop/").status_code < 300


def test_a_reader_who_has_gone_gives_their_stream_back(site: Site, client: httpx.Client) -> None:
    """One may have ten. The server hears of it by the proxy, which has to end its own request."""
    run = send(client, "slow", background=True)
    over = time.monotonic() + PATIENCE
    opened = 0
    while opened < 12:
        assert time.monotonic() < over
        with site.client() as reader, reader.stream("GET", f"{API}/runs/{run['run_id']}/events/") as events:
            if events.status_code == 200:
                next(events.iter_lines())
                opened += 1
    assert client.post(f"{API}/runs/{run['run_id']}/stop/").status_code < 300


def test_the_address_of_a_client_is_what_the_proxy_says(site: Site, client: httpx.Client) -> None:
    client.get("/sign-in/", headers={"X-Forwarded-For": "6.6.6.6", "X-Request-ID": "who-is-it"})
    over = time.monotonic() + PATIENCE
    while "who-is-it 127.0.0.1 GET /sign-in/" not in site.server.log:
        assert time.monotonic() < over, site.server.log[-2000:]
        time.sleep(0.05)
    assert "6.6.6.6" not in site.server.log


def test_what_is_too_large_is_refused_in_our_words(client: httpx.Client) -> None:
    answer = client.post(f"{API}/send-message/", json={"agent_id": "echo", "message": "x" * 3_000_000})
    assert answer.status_code == 413
    assert answer.json()["error"]


def test_a_restart_loses_no_request(site: Site, client: httpx.Client) -> None:
    refused: list[str] = []
    counted = [0]
    stopping = threading.Event()

    def ask() -> None:
        with site.client() as visitor:
            while not stopping.is_set():
                try:
                    answer = visitor.get("/sign-in/")
                    if answer.status_code != 200:
                        refused.append(f"{answer.status_code} {answer.text[:100]}")
                    counted[0] += 1
                except httpx.HTTPError as error:
                    refused.append(repr(error))

    people = [threading.Thread(target=ask) for _ in range(4)]
    for person in people:
        person.start()
    site.stop()
    site.start()
    before = counted[0]
    over = time.monotonic() + PATIENCE
    while counted[0] < before + 20 and time.monotonic() < over:
        time.sleep(0.05)
    stopping.set()
    for person in people:
        person.join(PATIENCE)
    assert refused == []
    assert counted[0] >= before + 20
    assert "still there" in str(send(client, "echo", "still there")["response"])
