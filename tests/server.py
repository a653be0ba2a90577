"""The product's server in a process of its own, with a port and a data folder, for tests that speak to it as anybody would."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
KEPT = 4  # databases of other versions, for whoever goes to and fro between them
GRACE_SECONDS = 1  # that a running answer gets when the server is told to stop


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    """Whether an application stands behind the port: a server listens before it can answer."""
    with socket.socket() as probe:
        probe.settimeout(5)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return probe.recv(12).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


def migrated() -> Path:
    """An SQLite database with all tables and no rows, kept beside the packages: to make one takes ten seconds, to copy it none."""
    made_by = hashlib.sha256()
    for path in (ROOT / "requirements.txt", *sorted(ROOT.glob("agentos/**/migrations/*.py"))):
        made_by.update(path.read_bytes())
    folder = Path(sys.prefix) / "migrated"
    folder.mkdir(exist_ok=True)
    found = folder / f"{made_by.hexdigest()[:16]}.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            for old in sorted(folder.glob("*.sqlite3"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink()
            with tempfile.TemporaryDirectory(dir=folder) as data:
                environment = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": data}
                command = [sys.executable, "manage.py", "migrate", "-v", "0"]
                subprocess.run(command, cwd=ROOT, env=environment, timeout=START_SECONDS, check=True)
                (Path(data) / "agentos.sqlite3").rename(found)
    return found


class Server:
    """``more``: of its environment."""

    def __init__(self, data: Path, **more: str) -> None:
        self.data = data
        if "DATABASE_URL" not in more and not (data / "agentos.sqlite3").exists():
            shutil.copy(migrated(), data / "agentos.sqlite3")
        self.port = free_port()
        self.env = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
            "AGENTOS_LOCAL": "1",
            "AGENTOS_LOCAL_MODEL": "0",
            "AGENTOS_SCRIPTED_MODELS": "1",
            "AGENTOS_GRACE_SECONDS": str(GRACE_SECONDS),
            "AGENTOS_DATA_DIR": str(data),
            "LOG_LEVEL": "WARNING",
            "PORT": str(self.port),
            **more,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run_module(self, name: str, *words: str) -> Any:
        """Run a module of the tests over the server's data, and return the JSON that it prints."""
        command = [sys.executable, "-m", name, *words]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def start(self) -> None:
        with (self.data / "server.log").open("ab") as log:
            command = [sys.executable, "manage.py", "agentos_serve", "--migrate"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        over = time.monotonic() + START_SECONDS
        while not answers(self.port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < over, f"The server did not start.\n{self.log}"
            time.sleep(0.1)

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    @property
    def log(self) -> str:
        return (self.data / "server.log").read_text(encoding="utf-8", errors="replace")

    def sql(self, query: str, *values: str) -> list[dict[str, Any]]:
        """Look into the server's database, past everything that would hide something."""
        with closing(sqlite3.connect(self.data / "agentos.sqlite3", timeout=20)) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(query, values)]
            database.commit()
        return rows
