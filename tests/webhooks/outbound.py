"""A receiver of webhooks on loopback, endpoints that point at it, and a dispatcher's round without a server."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from agentos.access.models import Team
from agentos.core import clock, db
from agentos.core.events import NAMES
from agentos.core.security.secrets import seal, unseal
from agentos.core.security.signatures import new_secret
from agentos.webhooks.outbound import results, sender
from agentos.webhooks.outbound.models import Delivery, Endpoint


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thank you"


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return str(json.loads(self.body)["type"])

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Raises when the package that receivers use does not believe it."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver(ThreadingHTTPServer):
    """Keeps what it hears, and answers with ``answers`` in turn, the last one for ever. Holds its answer back while ``hold`` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.heard: list[Heard] = []
        self.answers = [Answer()]
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that lets go is what some tests are about."""


class Talk(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append(Heard({name.lower(): value for name, value in self.headers.items()}, body))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.server.go_on.wait(20)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.go_on.set()
        receiver.shutdown()
        receiver.server_close()
        thread.join()


def make_endpoint(team: Team, url: str = "https://hooks.example/in", **fields: Any) -> Endpoint:
    return Endpoint.objects.create(
        **{"team": team, "name": "CRM", "url": url, "events": list(NAMES), "secret": seal(new_secret()), **fields}
    )


def make_delivery(endpoint: Endpoint, **fields: Any) -> Delivery:
    now = {"due_at": clock.now(), "created_at": clock.now()}
    return Delivery.objects.create(**{"endpoint": endpoint, "event": "run.completed", "body": '{"type":"run.completed"}', **now, **fields})


def secret_of(endpoint: Endpoint) -> str:
    return unseal(Endpoint.objects.get(pk=endpoint.pk).secret)


async def bring_what_is_due() -> int:
    """Do what the dispatcher does in one round, one after the other. Returns how many were sent."""
    ready, _ = await db.read(results.due, 100)
    async with await asyncio.to_thread(sender.new_client) as client:
        for one in ready:
            delivery = await db.write(results.claim, one)
            assert delivery is not None
            await db.write(results.record_outcome, delivery, await sender.send(client, delivery))
    return len(ready)


class Watch:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at
