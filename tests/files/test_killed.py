"""A server that is killed in the middle of an upload, of reading a document or of writing down what is said has lost nothing that it
acknowledged."""

import contextlib
import json
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.core import files
from tests.operations.backups import done, manage
from tests.server import Server
from tests.speech.test_listening import SENTENCE

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


MANY = ["runs:write", "sessions:read", "sessions:write", "knowledge:read", "knowledge:write"]
PERSON = """
import json
from agentos.access.actions import create_token
from agentos.agents.models import DjangoAgent
from tests.factories import UserFactory
DjangoAgent.objects.create(agent_id="given", name="Given", model="scripted:echo", is_global=True)
print(json.dumps(create_token(by=UserFactory(), name='t', scopes=%r)[1]))
"""
SAID = "Please remind me of the boat."


def kill(server: Server) -> None:
    assert server.process
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


def asked(server: Server, token: str, method: str, path: str, **sent: Any) -> Any:
    return json.loads(ask(server, token, method, f"/api/v1/agentos{path}", json.dumps(sent).encode() if sent else b"", "application/json"))


def until(look: Callable[[], Any], seconds: float) -> Any:
    """Return what ``look`` finds as soon as it finds something."""
    over = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < over
        time.sleep(0.02)
    return found


class Listener(ThreadingHTTPServer):
    """Writes down what is said, once it is let."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.came, self.speaks = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.set()
        self.server.speaks.wait(120)
        said = json.dumps({"text": SAID}).encode()
        with contextlib.suppress(OSError):  # whoever asked was killed
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


def test_reads_a_document_on_that_it_was_reading(tmp_path: Path) -> None:
    """Nobody has to add it again."""
    server = Server(tmp_path)
    server.start()
    try:
        token = json.loads(done(manage(tmp_path, "shell", "--no-imports", "-c", PERSON % MANY)))
        base = asked(server, token, "POST", "/knowledge/", name="Kilns")["id"]
        added = json.loads(ask(server, token, "POST", f"/api/v1/agentos/knowledge/{base}/files/?name=kiln.pdf", files.pdf(250)))

        def is_being_read() -> bool:
            (row,) = server.sql("SELECT status, lease_until FROM knowledge_document")
            assert row["status"] in {"queued", "reading"}, f"It was over before the server could be killed: {row}"
            return bool(row["lease_until"])

        until(is_being_read, 30)
        kill(server)
        assert server.sql("SELECT status FROM knowledge_document") == [{"status": "reading"}]
        server.start()
        until(lambda: server.sql("SELECT status FROM knowledge_document") == [{"status": "ready"}], 150)
        assert asked(server, token, "GET", f"/documents/{added['id']}/")["status"] == "ready"
        assert server.sql("SELECT count(*) AS pages FROM knowledge_page") == [{"pages": 250}]
        found = server.sql("SELECT count(*) AS passages, count(DISTINCT number) AS numbers FROM knowledge_chunk")[0]
        assert found["passages"] == found["numbers"] > 0
    finally:
        server.stop()


def test_keeps_a_recording_that_was_being_written_down(tmp_path: Path) -> None:
    """The recording, and the message that it came with: its answer is given, or is there to be tried again."""
    listener = Listener()
    server = Server(tmp_path, AGENTOS_SPEECH_URL=listener.url, AGENTOS_ALLOW_PRIVATE_HOSTS="127.0.0.1")
    server.start()
    try:
        token = json.loads(done(manage(tmp_path, "shell", "--no-imports", "-c", PERSON % MANY)))
        memo = json.loads(ask(server, token, "POST", f"{ROOT}?name=memo.webm", SENTENCE))
        session = asked(server, token, "POST", "/sessions/", agent_id="given")["id"]
        run = asked(server, token, "POST", f"/sessions/{session}/runs/", message="Listen", files=[memo["id"]])["id"]
        assert listener.came.wait(60)
        kill(server)
        listener.speaks.set()
        server.start()
        assert ask(server, token, "GET", memo["url"]) == SENTENCE
        until(lambda: server.sql("SELECT status FROM chat_run WHERE status NOT IN ('queued', 'running')"), 150)
        found = asked(server, token, "GET", f"/runs/{run}/")
        if found["status"] != "completed":
            again = asked(server, token, "POST", f"/runs/{run}/retry/")["id"]
            until(lambda: server.sql("SELECT id FROM chat_run WHERE status = 'completed'"), 60)
            found = asked(server, token, "GET", f"/runs/{again}/")
        assert SAID in str(found)
        assert asked(server, token, "POST", f"/files/{memo['id']}/transcript/")["text"] == SAID
    finally:
        server.stop()
        listener.shutdown()
        listener.server_close()
