"""`python -m tests.operations.drill`: people chat, backups are made meanwhile, each is restored elsewhere, and what was acknowledged is
compared. On SQLite, and with `--postgres` on PostgreSQL."""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.core.test_one_server import API, SEED, client_of, shell
from tests.operations.backups import databases, done, manage, path_with_tools
from tests.server import Server

PATIENCE = 60.0
NO_LIMITS = {f"AGENTOS_{name}_A_MINUTE": "0" for name in ("SENDS", "CREATIONS", "TOKEN_REQUESTS", "ADDRESS_REQUESTS")}


@dataclass
class Ledger:
    """What people were told. ``answers``: of runs that had ended."""

    sent: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Ledger":
        return Ledger(dict(self.sent), dict(self.answers))


def chat(client: httpx.Client, person: int, ledger: Ledger, over: threading.Event) -> None:
    """One person, who sends the next message when the answer has come."""
    session, number = "", 0
    while not over.is_set():
        number += 1
        text = f"Person {person} says message {number}: ä € 🙂 {'x' * (number % 50)}"
        where = {"session_id": session} if session else {"agent_id": "echo"}
        answer = client.post(f"{API}/send-message/", json={**where, "message": text, "background": True})
        assert answer.status_code == 202, answer.text
        session, run = answer.json()["session_id"], answer.json()["run_id"]
        ledger.sent[run] = text
        until = time.monotonic() + PATIENCE
        while (found := run_of(client, run))["status"] in {"queued", "running"}:
            assert time.monotonic() < until, found
            time.sleep(0.02)
        assert found["status"] == "completed", found
        ledger.answers[run] = found["answer"]


def run_of(client: httpx.Client, run: str) -> Any:
    answer = client.get(f"{API}/runs/{run}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


def drill(folder: Path, *, people: int, backups: int, origin: str = "", copies: "list[str] | None" = None) -> str:
    """Raises AssertionError when something is missing; returns what was compared. ``origin``, ``copies``: URLs of databases."""
    more = {**NO_LIMITS, **({"DATABASE_URL": origin, "PATH": path_with_tools()} if origin else {})}
    server = Server(_new(folder / "origin"), **more)
    token = shell(server, SEED.format("1x0").replace('agent_id="slow"', 'agent_id="echo"').replace("scripted:1x0", "scripted:echo"))
    server.start()
    made: list[tuple[Path, Ledger]] = []
    ledger, over = Ledger(), threading.Event()
    try:
        with client_of(server, token) as client, ThreadPoolExecutor(people) as crowd:
            chatting = [crowd.submit(chat, client, person, ledger, over) for person in range(people)]
            try:
                for number in range(backups):
                    enough = len(ledger.answers) + 2 * people
                    until = time.monotonic() + PATIENCE
                    while len(ledger.answers) < enough and time.monotonic() < until and not any(one.done() for one in chatting):
                        time.sleep(0.02)
                    before = ledger.copy()
                    file = folder / f"{number}.backup"
                    done(manage(server.data, "agentos_backup", str(file), **more))
                    made.append((file, before))
            finally:
                over.set()
            for one in chatting:
                one.result()
    finally:
        server.stop()
    for number, (file, before) in enumerate(made):
        compare(_new(folder / f"copy-{number}"), file, before, token, copies[number] if copies else "")
    return f"{len(ledger.sent)} messages; {len(made)} backups with {[len(before.sent) for _, before in made]} of them, each restored whole."


def compare(data: Path, file: Path, before: Ledger, token: str, url: str) -> None:
    more = {**NO_LIMITS, **({"DATABASE_URL": url, "PATH": path_with_tools()} if url else {})}
    done(manage(data, "agentos_restore", str(file), **more))
    server = Server(data, **more)
    server.start()
    try:
        with client_of(server, token) as client:
            for run, text in before.sent.items():
                found = run_of(client, run)
                assert found["message"] == text, (run, text, found)
                if run in before.answers:
                    assert (found["status"], found["answer"]) == ("completed", before.answers[run]), (run, found)
            over = threading.Event()
            ledger = Ledger()
            with ThreadPoolExecutor(1) as crowd:
                chatting = crowd.submit(chat, client, 0, ledger, over)
                until = time.monotonic() + PATIENCE
                while not ledger.answers and not chatting.done() and time.monotonic() < until:
                    time.sleep(0.05)
                over.set()
                chatting.result()
            assert ledger.answers
    finally:
        server.stop()


def _new(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.drill")
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--backups", type=int, default=3)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentos-drill-") as name:
        try:
            if options.postgres:
                with databases("drill", *(f"drill_{number}" for number in range(options.backups))) as (origin, *copies):
                    said = drill(Path(name), people=options.people, backups=options.backups, origin=origin, copies=copies)
            else:
                said = drill(Path(name), people=options.people, backups=options.backups)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            print(f"The drill failed: {error}")
            return 1
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
