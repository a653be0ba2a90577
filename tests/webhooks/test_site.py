"""A running server, an operator over HTTP, and a sender: the reference package, and the shell with the page's own example."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.browser.server import Server
from tests.html import Page, page

pytestmark = pytest.mark.server

PATIENCE = 30  # seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("webhooks"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=PATIENCE) as client:
        client.get("/sign-in/")
        signed_in = submit(client, "/sign-in/", email="owner@example.com", password="demo")
        assert "Sign out" in signed_in.html
        yield client


def submit(client: httpx.Client, url: str, **fields: str) -> Page:
    answer = client.post(url, data={**fields, "csrfmiddlewaretoken": client.cookies["csrf"]})
    assert answer.status_code == 200, answer.text
    return page(answer.text)


@pytest.fixture(scope="module")
def endpoint(operator: httpx.Client) -> Page:
    """The page of a new endpoint, its secret revealed."""
    form = page(operator.get("/agentos/settings/endpoints/new/").text)
    agent = next(option["value"] for option in form.all("[name=agent] option") if option.text == "Quick")
    mapping = {name: str(form.one(f"[name={name}]")["value"]) for name in ("event_path", "message_events", "message_path", "key_path")}
    made = submit(operator, "/agentos/settings/endpoints/new/", name="Helpdesk", agent=str(agent), **mapping)
    action = next(str(form["action"]) for form in made.all("form") if str(form["action"]).endswith("/reveal/"))
    return submit(operator, action)


def until(look: Callable[[], Any]) -> Any:
    over = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < over
        time.sleep(0.05)
    return found


def newest_event(operator: httpx.Client) -> Page:
    inbox = page(operator.get("/agentos/settings/inbox/").text)
    return page(operator.get(str(inbox.all(".row-card h3 a")[0]["href"])).text)


def completed(operator: httpx.Client) -> Page | None:
    event = newest_event(operator)
    return event if event.has("#run-state") and "Completed" in event.text("#run-state") else None


class TestASender:
    def test_gets_one_run_for_an_event_that_it_sends_many_times_at_once(self, operator: httpx.Client, endpoint: Page) -> None:
        url, secret = endpoint.text("#endpoint-url"), endpoint.text("#secret")
        body = json.dumps({"event": "message_received", "data": {"text": "Grüße", "thread": "ticket-7"}})

        def deliver(_: int) -> httpx.Response:
            now = datetime.now(tz=UTC)
            headers = {"webhook-id": "msg_many", "webhook-timestamp": str(int(now.timestamp()))}
            headers["webhook-signature"] = Webhook(secret).sign("msg_many", now, body)
            return httpx.post(url, content=body.encode(), headers={**headers, "Content-Type": "application/json"}, timeout=PATIENCE)

        with ThreadPoolExecutor(8) as senders:
            answers = list(senders.map(deliver, range(8)))
        assert [answer.status_code for answer in answers] == [200] * 8
        assert sorted(answer.json()["repeated"] for answer in answers) == [False] + [True] * 7
        assert len({answer.json()["run_id"] for answer in answers}) == 1
        event = until(lambda: completed(operator))
        assert "Grüße" in event.text("main")
        assert event.text("#run-answer")

    def test_may_be_the_example_of_the_page(self, operator: httpx.Client, endpoint: Page) -> None:
        if not shutil.which("curl") or not shutil.which("openssl"):
            pytest.skip("needs curl and openssl")
        said = subprocess.run(["bash", "-c", endpoint.one("#curl").text], capture_output=True, text=True, check=True, timeout=PATIENCE)
        answer = json.loads(said.stdout)
        assert (answer["status"], answer["outcome"], answer["repeated"]) == ("success", "accepted", False)
        assert re.fullmatch("run_[0-9a-z]{20}", answer["run_id"])
        until(lambda: completed(operator))

    def test_of_nobody_is_refused_whatever_it_asks_for(self, endpoint: Page) -> None:
        url = endpoint.text("#endpoint-url")
        known = httpx.post(url, json={"event": "message_received"})
        unknown = httpx.post(re.sub("endpoint_[0-9a-z]+", "endpoint_" + "0" * 20, url), json={"event": "message_received"})
        assert known.status_code == unknown.status_code == 401
        assert known.content == unknown.content
        assert httpx.post(url, content=b"x" * (1024 * 1024 + 1)).status_code == 413
