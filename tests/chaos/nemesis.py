"""The servers of a chaos run, and who does them, their lines and their database harm."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.chaos.history import History
from tests.chaos.line import Line
from tests.server import answers

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
LOG_END = 4000  # characters
BREATH = (0.4, 1.8)  # seconds between two faults


class Server:
    command = "agentos_serve"

    def __init__(self, port: int, env: dict[str, str]) -> None:
        self.port = port
        self.env = {**os.environ, **env, "PORT": str(port), "AGENTOS_GRACE_SECONDS": "1"}
        self.log = Path(env["AGENTOS_DATA_DIR"]) / f"server-{port}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.is_frozen = False
        self.starts = 0

    async def start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", self.command]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        over = time.monotonic() + START_SECONDS
        while not await self.is_ready():
            if self.process.poll() is not None or time.monotonic() > over:
                msg = f"The server did not start.\n{self.log.read_text(errors='replace')[-LOG_END:]}"
                raise RuntimeError(msg)
            await asyncio.sleep(0.05)

    async def is_ready(self) -> bool:
        return await asyncio.to_thread(answers, self.port)

    def signal(self, number: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(number)

    async def gone(self, seconds: float) -> bool:
        """Wait for the end of the process; False when it does not come."""
        assert self.process
        for _ in range(int(seconds * 20)):
            if self.process.poll() is not None:
                return True
            await asyncio.sleep(0.05)
        return False


Fault = tuple[int, Callable[[], Awaitable[None]]]  # how often, among the others, and what


class Nemesis:
    """``kills`` is how often it kills a server; it does other harm in between."""

    def __init__(self, servers: Sequence[Server], lines: Sequence[Line], dice: random.Random, history: History) -> None:
        self.servers, self.lines, self.dice, self.history = servers, lines, dice, history

    def faults(self) -> list[Fault]:
        return [(10, self.kill), (1, self.terminate), (1, self.freeze), (2, self.cut), (1, self.hold)]

    async def rage(self, kills: int) -> None:
        weights, faults = zip(*self.faults(), strict=True)
        while self.history.faults.get("kill -9", 0) < kills:
            await asyncio.sleep(self.dice.uniform(*BREATH))
            await self.dice.choices(faults, weights)[0]()

    def one_server(self) -> Server:
        """One that is not frozen: there is always one."""
        return self.dice.choice([server for server in self.servers if not server.is_frozen])

    async def kill(self) -> None:
        self.history.fault("kill -9")
        server = self.one_server()
        server.signal(signal.SIGKILL)
        await server.gone(10)
        await server.start()

    async def terminate(self) -> None:
        self.history.fault("SIGTERM")
        server = self.one_server()
        server.signal(signal.SIGTERM)
        if not await server.gone(15):
            self.history.fault("did not end by itself after SIGTERM")
            server.signal(signal.SIGKILL)
            await server.gone(10)
        await server.start()

    async def freeze(self) -> None:
        self.history.fault("SIGSTOP")
        await freeze(self.one_server(), self.dice.uniform(0.2, 2.0))

    async def cut(self) -> None:
        self.history.fault("line cut")
        self.dice.choice(self.lines).cut()

    async def hold(self) -> None:
        self.history.fault("line held")
        await self.dice.choice(self.lines).hold(self.dice.uniform(0.2, 2.0))


async def freeze(server: Server, seconds: float) -> None:
    server.is_frozen = True
    server.signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    server.signal(signal.SIGCONT)
    server.is_frozen = False
