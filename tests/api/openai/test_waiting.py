"""Callers who wait for their whole answer, of either API: many of them cost the server no thread and no connection to the database."""

import json
import socket
from contextlib import ExitStack

import pytest

from tests.api.openai.server import Server
from tests.api.openai.test_clients import until

pytestmark = pytest.mark.server

CALLERS = 30
FEW = 10  # threads and connections of the server's own, which it makes when it first needs them
HELLO = "Hello there"
CALLS = {
    "/v1/chat/completions": {"model": "silent", "messages": [{"role": "user", "content": HELLO}]},
    "/api/v1/agentos/send-message/": {"agent_id": "silent", "message": HELLO},
    "/api/v1/agentos/": {"action": "send_message", "agent_id": "silent", "message": HELLO},
}


def call(server: Server, path: str) -> socket.socket:
    body = json.dumps(CALLS[path])
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.tokens['ada']}\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    return connection


def silent_runs(server: Server, status: str) -> int:
    runs = "SELECT r.status FROM chat_run r JOIN chat_chatsession s ON s.id = r.session_id JOIN agents_djangoagent a ON a.id = s.agent_id"
    return sum(run["status"] == status for run in server.sql(f"{runs} WHERE a.agent_id = 'silent'"))


class TestCallers:
    @pytest.mark.parametrize("path", CALLS)
    def test_who_wait_hold_no_thread_and_no_connection(self, server: Server, path: str) -> None:
        threads, connections = server.threads(), server.connections()
        running, stopped = silent_runs(server, "running"), silent_runs(server, "stopped")
        with ExitStack() as waiting:
            for _ in range(CALLERS):
                waiting.enter_context(call(server, path))
            until(lambda: silent_runs(server, "running") == running + CALLERS)
            assert server.threads() - threads < FEW
            assert server.connections() - connections < FEW
        if path.startswith("/v1/"):  # nobody else could read the answer
            until(lambda: silent_runs(server, "stopped") == stopped + CALLERS)
        else:
            assert silent_runs(server, "running") == running + CALLERS
