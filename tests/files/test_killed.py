"""A server that is killed in the middle of an upload has lost no slice that it acknowledged."""

import json
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.operations.backups import done, manage
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
ROOT = "/api/v1/agentos/files/"
LONG = b"%PDF-" + b"0123456789" * 350_000
TOKEN = """
import json
from agentos.access.actions import create_token
from tests.factories import UserFactory
print(json.dumps(create_token(by=UserFactory(), name='t', scopes=['runs:write', 'sessions:read'])[1]))
"""


def ask(server: Server, token: str, method: str, path: str, data: bytes = b"", kind: str = "application/octet-stream") -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    request = urllib.request.Request(server.origin + path, data or None, headers, method=method)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return answer.read()


def test_keeps_every_slice_that_was_acknowledged(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    assert server.process
    try:
        token = json.loads(done(manage(tmp_path, "shell", "--no-imports", "-c", TOKEN)))
        begun = json.loads(
            ask(server, token, "POST", f"{ROOT}uploads/", json.dumps({"name": "a.pdf", "size": len(LONG)}).encode(), "application/json")
        )
        url, size = f"{ROOT}uploads/{begun['id']}/", begun["slice"]
        for number in (2, 0):
            ask(server, token, "PUT", f"{url}{number}/", LONG[number * size : (number + 1) * size])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.start()
        assert json.loads(ask(server, token, "GET", url))["received"] == [0, 2]
        for number in (1, 3):
            ask(server, token, "PUT", f"{url}{number}/", LONG[number * size : (number + 1) * size])
        file = json.loads(ask(server, token, "POST", f"{url}done/"))
        assert ask(server, token, "GET", file["url"]) == LONG
    finally:
        server.stop()
