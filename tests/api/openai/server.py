"""A server with agents of every temper, and people with tokens, for the openai package."""

import json
from pathlib import Path
from typing import Any

from tests import server

AGENTS = {
    "quick": "scripted:30x5",
    "echo": "scripted:echo",
    "given": "scripted:given",
    "slow": "scripted:900x20",
    "steady": "scripted:60x20",
    "silent": "scripted:hang",
    "tour": "scripted:tour",
    "tool": "scripted:tool",
    "approve": "scripted:approve",
    "broken": "scripted:fail",
    "breaks": "scripted:fail@20x10",
    "too-long": "scripted:long",
    **{act: f"scripted:{act}" for act in ("flaky", "busy", "auth", "raise", "empty", "loop", "badjson", "notool", "ask")},
}


class Server(server.Server):
    """``agents``: models by the ids of their agents."""

    def __init__(self, data: Path, agents: dict[str, str] | None = None, **more: str) -> None:
        limits = ("SENDS", "TOKEN_REQUESTS", "ADDRESS_REQUESTS", "BAD_TOKENS")
        super().__init__(data, **{f"AGENTOS_{name}_A_MINUTE": "0" for name in limits}, **more)
        seeded = self.run_module("tests.api.openai.seed", json.dumps(agents or AGENTS))
        self.tokens: dict[str, str] = seeded["tokens"]
        self.cookies: dict[str, str] = seeded["cookies"]  # of ada's browser
        self.sessions: dict[str, list[str]] = seeded["sessions"]  # empty ones of ada, by agent
        self.start()

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

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

    def threads(self) -> int:
        assert self.process
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def connections(self) -> int:
        """How many connections to the database are open: each has its own descriptor of the journal."""
        assert self.process
        files = [descriptor.readlink() for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir() if descriptor.is_symlink()]
        return sum(file.name.endswith(".sqlite3-wal") for file in files)
