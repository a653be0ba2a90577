"""What else is done to servers that share a PostgreSQL and a cache, and to those."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from tests.bench.wire import request
from tests.chaos.history import History
from tests.chaos.line import Line
from tests.chaos.nemesis import BREATH, Fault, Nemesis, Server, freeze
from tests.redis import RedisServer

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
LONGER_THAN_A_LEASE = 35.0  # seconds
AWAY = (0.2, 3.0)  # seconds that the database is away
BACK_SECONDS = 30.0  # that a server has to serve again; what it takes is told


class Worker(Server):
    """A process that is struck as a server is. Its port is nobody's: it tells by its log that it is ready."""

    command = "agentos_worker"

    async def is_ready(self) -> bool:
        return self.log.read_text(errors="replace").count("The worker is ready.") >= self.starts


class ClusterNemesis(Nemesis):
    def __init__(
        self,
        servers: Sequence[Server],
        lines: Sequence[Line],
        dice: random.Random,
        history: History,
        database: Any,
        cache: RedisServer,
        workers: Sequence[Server] = (),
    ) -> None:
        super().__init__([*servers, *workers], lines, dice, history)
        self.webs = servers
        self.database = database
        self.cache = cache
        self.sleeper: asyncio.Task[None] | None = None

    def faults(self) -> list[Fault]:
        of_what_is_shared = [(2, self.cut_database), (1, self.restart_database), (1, self.empty_cache), (1, self.stop_cache)]
        return [*super().faults(), *of_what_is_shared, (1, self.freeze_for_long)]

    async def rage(self, kills: int) -> None:
        await super().rage(kills)
        if self.sleeper:
            await self.sleeper
            await asyncio.sleep(BREATH[1])

    async def freeze_for_long(self) -> None:
        """A server is taken for dead, and wakes. The others are struck meanwhile."""
        if self.sleeper is None or self.sleeper.done():
            self.history.fault("SIGSTOP for longer than a lease")
            self.sleeper = asyncio.create_task(freeze(self.one_server(), LONGER_THAN_A_LEASE))

    async def empty_cache(self) -> None:
        self.history.fault("cache emptied")
        with self.cache.ask() as asked:
            asked.flushall()

    async def stop_cache(self) -> None:
        self.history.fault("cache stopped")
        await asyncio.to_thread(self.cache.stop)
        await asyncio.sleep(self.dice.uniform(*AWAY))
        await asyncio.to_thread(self.cache.start)

    async def cut_database(self) -> None:
        self.history.fault("all connections of the database cut")
        await asyncio.to_thread(
            self.database.psql,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        await self.serve_again()

    async def restart_database(self) -> None:
        self.history.fault("database restarted")
        await asyncio.to_thread(self.database.stop)
        await asyncio.sleep(self.dice.uniform(*AWAY))
        await asyncio.to_thread(self.database.ensure_postgres_running)
        await self.serve_again()

    async def serve_again(self) -> None:
        """Wait until every server that is awake serves pages that ask the database."""
        began = time.monotonic()
        for server in [server for server in self.webs if not server.is_frozen]:
            while not await serves(server.port):
                if time.monotonic() - began > BACK_SECONDS:
                    self.history.fault("did not serve again after the database was back")
                    return
                await asyncio.sleep(0.05)
        self.history.back.append(time.monotonic() - began)


async def serves(port: int) -> bool:
    """An address that is unknown: the database is asked who calls."""
    try:
        async with asyncio.timeout(BACK_SECONDS):
            reader, writer = await request(port, "GET", "/agentos/", headers={"Cookie": "session=nobody"})
            await reader.read()
            writer.close()
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return False
    return True
