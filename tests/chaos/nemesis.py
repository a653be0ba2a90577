"""The server of a chaos run, and who does it harm."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.chaos.history import History

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
BREATH = (0.5, 3.0)  # seconds between two faults


class Server:
    def __init__(self, port: int, env: dict[str, str]) -> None:
        self.port = port
        self.env = {**os.environ, **env, "PORT": str(port), "AGENTOS_GRACE_SECONDS": "1"}
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "agentos_serve"], cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(START_SECONDS * 20):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            await asyncio.sleep(0.05)
        msg = "The server did not start."
        raise RuntimeError(msg)

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
    def __init__(self, server: Server, dice: random.Random, history: History) -> None:
        self.server, self.dice, self.history = server, dice, history

    async def rage(self, kills: int) -> None:
        """Until the server has been killed ``kills`` times."""
        while self.history.faults.get("kill -9", 0) < kills:
            await asyncio.sleep(self.dice.uniform(*BREATH))
            await self.dice.choices((self.kill, self.terminate, self.freeze), (6, 1, 2))[0]()

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
