"""Notices between the processes that share a PostgreSQL, by its LISTEN and NOTIFY: what one publishes, all hear.

A notice says what changed, never how: whoever hears it reads the database. It is sent at the commit of the change that it tells of, so
nobody looks too early. PostgreSQL keeps none for a process that is not connected: after each connection everybody there looks again.
A process that knows itself to be alone sends none; once it is not, those that came are told to look again.
"""

import asyncio
import json
import logging
import random
from collections.abc import Iterable
from typing import Any

import psycopg
from django.db import connections

from agentos.core import repeated
from agentos.core.db.prepared import notify
from agentos.core.pubsub import pubsub

log = logging.getLogger("agentos.server")

CHANNEL = "agentos"
LONGEST = 7_900  # bytes of a notice; PostgreSQL takes 7,999
LOOK_SECONDS = 10.0  # after which the connection is asked whether it lives, and who else listens
ANSWER_SECONDS = 5.0  # that it has for the answer
CONNECT_SECONDS = 3
EVERYTHING = "*"  # in a notice: look again at whatever can be looked up
NAME = "agentos notices"  # of these connections, among all of the database
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid()"
PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds before the next connection is tried; the last one again and again


def send(process: str, topics: Iterable[str]) -> None:
    """Tell the other processes when the transaction at hand is committed. ``process``: this one, which does not listen to itself."""
    for payload in payloads(process, topics):
        notify(CHANNEL, payload)


def payloads(process: str, topics: Iterable[str]) -> list[str]:
    """As few notices as hold all topics. One that is too long for any is left out: it is a sentence for an open page."""
    found, held, size = [], [process], 0
    for topic in topics:
        needs = len(topic.encode()) + 8
        if needs > LONGEST - 100:
            continue
        if size + needs > LONGEST - 100:
            found.append(held)
            held, size = [process], 0
        held.append(topic)
        size += needs
    return [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in [*found, held] if len(each) > 1]


class Listener:
    """The connection of this process on which it hears the others. ``start`` and ``stop`` belong to the server's lifespan."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.told_nobody = False  # since it was alone: whoever has come since may have missed something
        self.is_connected = asyncio.Event()

    async def start(self) -> None:
        self.task = asyncio.create_task(self._listen_forever())

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def _listen_forever(self) -> None:
        tries = 0
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                repeated.warn("notices", "Other processes cannot be heard; trying again: %s", " ".join(str(error).split()))
            except Exception:
                log.exception("Listening to other processes broke; trying again.")
            finally:
                tries = 0 if self.is_connected.is_set() else tries + 1
                self.is_connected.clear()
                pubsub.is_alone = False
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)] * random.uniform(0.7, 1.3))  # noqa: S311 - all of them at once

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(**parameters(), autocommit=True)
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            await tell(connection)  # whoever was alone is not now
            self.is_connected.set()
            pubsub.publish_all()
            while True:
                async with asyncio.timeout(ANSWER_SECONDS):
                    found = await (await connection.execute(OTHERS, [NAME])).fetchone()
                pubsub.is_alone = found == (0,)
                if self.told_nobody and not pubsub.is_alone:
                    await tell(connection, EVERYTHING)
                self.told_nobody = pubsub.is_alone
                async for notice in connection.notifies(timeout=LOOK_SECONDS, stop_after=1 if pubsub.is_alone else None):
                    hear(notice.payload)


async def tell(connection: psycopg.AsyncConnection[Any], *topics: str) -> None:
    """Tell the other processes at once. Without topics: that this one is there."""
    await connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps([pubsub.process, *topics])])


def hear(payload: str) -> None:
    """Publish here what another process has told."""
    process, *topics = json.loads(payload)
    if process == pubsub.process:
        return
    pubsub.is_alone = False
    if topics == [EVERYTHING]:
        pubsub.publish_all()
    else:
        pubsub.publish(*topics)


def parameters() -> dict[str, Any]:
    """What Django connects with, without what it has for its own connections alone."""
    given: dict[str, Any] = connections["default"].get_connection_params()
    ours = {name: value for name, value in given.items() if name not in {"cursor_factory", "context", "prepare_threshold", "pool"}}
    return {**ours, "application_name": NAME, "connect_timeout": CONNECT_SECONDS}
