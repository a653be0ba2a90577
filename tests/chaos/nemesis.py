"""The server of a chaos run, and who does it and its line harm."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.history import History
from tests.chaos.line import Line
from tests.server import answers

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
LOG_END = 4000  # characters
BREATH = (0.4, 1.8)  # seconds between two faults


class Server:
    def __init__(self, port: int, env: dict[str, str]) -> None:
        self.port = port
        self.env = {**os.environ, **env, "PORT": str(port), "AGENTOS_GRACE_SECONDS": "1"}
        self.log = Path(env["AGENTOS_DATA_DIR"]) / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", "agentos_serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        over = time.monotonic() + START_SECONDS
        while not await asyncio.to_thread(answers, self.port):
            if self.process.poll() is not None or time.monotonic() > over:
                msg = f"The server did not start.\n{self.log.read_text(errors='replace')[-LOG_END:]}"
                raise RuntimeError(msg)
            await asyncio.sleep(0.05)

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


class Nemesis:
    def __init__(self, server: Server, line: Line, dice: random.Random, history: History) -> None:
        self.server, self.line, self.dice, self.history = server, line, dice, history

    async def rage(self, kills: int) -> None:
        """Until the server has been killed ``kills`` times."""
        while self.history.faults.get("kill -9", 0) < kills:
            await asyncio.sleep(self.dice.uniform(*BREATH))
            await self.dice.choices((self.kill, self.terminate, self.freeze, self.cut, self.hold), (10, 1, 1, 2, 1))[0]()

    async def kill(self) -> None:
        self.history.fault("kill -9")
        self.server.signal(signal.SIGKILL)
        await self.server.gone(10)
        await self.server.start()

    async def terminate(self) -> None:
        self.history.fault("SIGTERM")
        self.server.signal(signal.SIGTERM)
        if not await self.server.gone(15):
            self.history.fault("did not end by itself after SIGTERM")
            self.server.signal(signal.SIGKILL)
            await self.server.gone(10)
        await self.server.start()

    async def freeze(self) -> None:
        self.history.fault("SIGSTOP")
        self.server.signal(signal.SIGSTOP)
        await asyncio.sleep(self.dice.uniform(0.2, 2.0))
        self.server.signal(signal.SIGCONT)

    async def cut(self) -> None:
        self.history.fault("line cut")
        self.line.cut()

    async def hold(self) -> None:
        self.history.fault("line held")
        await self.line.hold(self.dice.uniform(0.2, 2.0))
