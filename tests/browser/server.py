"""A server of one's own: a process, a port, a data folder, and people who are signed in already."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
GRACE_SECONDS = 1  # that a running answer gets when the server is told to stop


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    login: str
    chat: str = ""


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
            "AGENTOS_GRACE_SECONDS": str(GRACE_SECONDS),
            "AGENTOS_DATA_DIR": str(data),
            "LOG_LEVEL": "WARNING",
            "PORT": str(self.port),
        }
        seeded = json.loads(self.seed())
        self.people = [Person(**person) for person in seeded["people"]]
        self.reader = Person(**seeded["reader"])
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def seed(self, *words: str) -> str:
        command = [sys.executable, "-m", "tests.browser.seed", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        with (self.data / "server.log").open("ab") as log:
            command = [sys.executable, "manage.py", "agentos_serve", "--migrate"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        over = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < over, f"The server did not start.\n{self.log}"
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether an application stands behind the port: it listens before it can answer."""
        with socket.socket() as probe:
            probe.settimeout(2)
            try:
                probe.connect(("127.0.0.1", self.port))
                probe.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return probe.recv(12).startswith(b"HTTP/1.1 200")
            except OSError:
                return False

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

    def take(self) -> Person:
        """Somebody whom no other test has met."""
        return self.people.pop()
