"""Servers that the tests start on loopback: a good MCP server in a process of its own, and sockets that answer whatever a test says."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.server import ROOT, free_port

START_SECONDS = 60


class Served:
    """``python -m tests.connections.serving``, or another module of this folder, with its folder."""

    def __init__(self, folder: Path, module: str = "serving") -> None:
        self.folder = folder
        self.port = free_port()
        command = [sys.executable, "-m", f"tests.connections.{module}", str(self.port), str(folder)]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, stdout=self.log, stderr=self.log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def notes(self) -> list[str]:
        return self.lines("notes")

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def wait(self) -> None:
        over = time.monotonic() + START_SECONDS
        while not listens(self.port):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < over, "The MCP server did not start."
            time.sleep(0.05)

    def clean(self) -> None:
        for name in ("key", "notes", "changed", "began", "seconds", "deny", "reject", "events"):
            (self.folder / name).unlink(missing_ok=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def served(folder: Path, module: str = "serving") -> Iterator[Served]:
    server = Served(folder, module)
    try:
        server.wait()
        yield server
    finally:
        server.kill()


def answer(status: str, body: str = "", **headers: str) -> bytes:
    """A whole answer of HTTP, for a socket."""
    said = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close", **headers}
    return f"HTTP/1.1 {status}\r\n{''.join(f'{name}: {value}' + chr(13) + chr(10) for name, value in said.items())}\r\n{body}".encode()
