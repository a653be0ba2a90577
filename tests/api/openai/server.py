"""A server with agents of every temper, and people with tokens; and the clients of the openai package that speak to it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60

AGENTS = {
    "quick": "scripted:30x5",
    "echo": "scripted:echo",
    "slow": "scripted:900x20",
    "steady": "scripted:60x20",
    "tour": "scripted:tour",
    "tool": "scripted:tool",
    "approve": "scripted:approve",
    "broken": "scripted:fail",
    "breaks": "scripted:fail@20x10",
    "too-long": "scripted:long",
}


class Server:
    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port: int = listening.getsockname()[1]
        self.env = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
            "AGENTOS_LOCAL": "1",
            "AGENTOS_LOCAL_MODEL": "0",
            "AGENTOS_SCRIPTED_MODELS": "1",
            "AGENTOS_GRACE_SECONDS": "1",
            "AGENTOS_DATA_DIR": str(data),
            "AGENTOS_SENDS_A_MINUTE": "0",
            "AGENTOS_TOKEN_REQUESTS_A_MINUTE": "0",
            "LOG_LEVEL": "WARNING",
            "PORT": str(self.port),
        }
        seeded = self.seed()
        self.tokens: dict[str, str] = seeded["tokens"]
        self.sessions: dict[str, list[str]] = seeded["sessions"]  # empty ones of ada, by agent
        with (data / "server.log").open("ab") as log:
            command = [sys.executable, "manage.py", "agentos_serve", "--migrate"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        over = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < over, f"The server did not start.\n{self.log}"
            time.sleep(0.1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def log(self) -> str:
        return (self.data / "server.log").read_text(encoding="utf-8", errors="replace")

    def seed(self) -> Any:
        command = [sys.executable, "-m", "tests.api.openai.seed"]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def sql(self, query: str, *values: str) -> list[dict[str, Any]]:
        """Look into the server's database, past everything that would hide something."""
        with closing(sqlite3.connect(self.data / "agentos.sqlite3", timeout=20)) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(query, values)]
            database.commit()
        return rows

    def run(self, completion_id: str) -> dict[str, Any]:
        """What is there of the run behind a completion, with its session (whose columns come first), journal and audit."""
        run_id = completion_id.removeprefix("chatcmpl-")
        (run,) = self.sql("SELECT s.*, r.* FROM chat_run r JOIN chat_chatsession s ON s.id = r.session_id WHERE r.run_id = ?", run_id)
        run["events"] = self.sql("SELECT e.* FROM chat_runevent e JOIN chat_run r ON r.id = e.run_id WHERE r.run_id = ?", run_id)
        audit = self.sql("SELECT verb FROM audit_auditrecord WHERE object_id = ? ORDER BY id", run_id)
        return {**run, "audit": [record["verb"] for record in audit]}

    def last_run(self, person: str) -> dict[str, Any]:
        mine = "SELECT run_id FROM chat_run r JOIN access_user u ON u.id = r.by_id WHERE u.email = ? ORDER BY r.id DESC LIMIT 1"
        return self.run(self.sql(mine, f"{person}@example.com")[0]["run_id"])

    def turns(self, session_id: str) -> list[dict[str, Any]]:
        turns = "SELECT r.* FROM chat_run r JOIN chat_chatsession s ON s.id = r.session_id WHERE s.session_id = ? ORDER BY turn"
        return self.sql(turns, session_id)

    def suspend(self, person: str) -> None:
        self.sql("UPDATE access_user SET is_active = 0 WHERE email = ?", f"{person}@example.com")

    def answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(2)
            try:
                probe.connect(("127.0.0.1", self.port))
                probe.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return probe.recv(12).startswith(b"HTTP/1.1 200")
            except OSError:
                return False

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
