"""Whether this process can do its work now: its database is there and of its version, its engine works, and it is not about to stop.

Asked by a thread of its own, so that readers who are busy do not make it look ill. What was found is kept for a second: a flood of
questions costs one.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from agentos.chat.registry import registry
from agentos.conf import EXTERNAL, app_settings
from agentos.core import db, repeated
from agentos.core.starting import migrations
from agentos.operations import outcomes

log = logging.getLogger("agentos.server")

KEPT_SECONDS = 1.0
PATIENCE = 3.0  # seconds in which the database has to answer
OK, FAILING = "ok", "failing"
DETAILS = frozenset({"workers"})  # that change nothing about what this process can do: messages are taken in, and wait
ALIVE = """SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '60 seconds')"""


class State(NamedTuple):
    is_ready: bool
    body: bytes


def said(status: str, checks: Mapping[str, str]) -> State:
    return State(status == "ready", json.dumps({"status": status, "checks": dict(checks)}).encode() + b"\n")


STOPPING = said("stopping", {})


def are_workers_there() -> str:
    """Whether anybody drives what is queued. Database work."""
    with connection.cursor() as cursor:
        cursor.execute(ALIVE)
        return OK if cursor.fetchone()[0] else "none"


class Readiness:
    """``is_working``: whether what drives runs and sends webhooks in this process shows signs of life."""

    def __init__(self, is_working: Callable[[], bool]) -> None:
        self.is_working = is_working
        self.threads: ThreadPoolExecutor | None = None
        self.looking: asyncio.Task[None] | None = None
        self.began = 0.0  # when it began to look, by the loop's clock
        self.state = said("starting", {})
        self.good_until = 0.0
        self.failed: list[str] | None = None  # what the log has been told
        self.needed: frozenset[tuple[str, str]] | None = None

    async def ask(self) -> State:
        """Return what was found within the last second, or look."""
        if registry.stopping:
            return STOPPING
        now = asyncio.get_running_loop().time
        if now() < self.good_until:
            return self.state
        if self.looking is None:
            self.began = now()
            self.looking = asyncio.create_task(self._look())
        looking = self.looking
        await asyncio.wait((looking,), timeout=max(0.0, self.began + PATIENCE - now()))
        if not looking.done():  # the database does not answer
            self._found({"database": FAILING, "migrations": "unknown"})
        return self.state

    def close(self) -> None:
        """End the thread."""
        if self.threads is not None:
            db.end(self.threads, 1)
        self.threads = None

    async def _look(self) -> None:
        try:
            if self.threads is None:
                self.threads = ThreadPoolExecutor(1, thread_name_prefix="readiness")
            self._found(await asyncio.get_running_loop().run_in_executor(self.threads, self._ask_database))
        finally:
            self.looking = None

    def _ask_database(self) -> dict[str, str]:
        try:
            is_current = db.keep_connection(self._is_current)
            workers = db.keep_connection(are_workers_there) if app_settings.WORKERS == EXTERNAL else ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
            repeated.warn("readiness", "The database could not be asked whether it is there: %s: %s", type(error).__name__, error)
            return {"database": FAILING, "migrations": "unknown"}
        return {"database": OK, "migrations": OK if is_current else FAILING, **({"workers": workers} if workers else {})}

    def _is_current(self) -> bool:
        """Whether all that this code needs was applied. More is no harm: a newer version has begun to take over."""
        if self.needed is None:
            loader = MigrationExecutor(connection).loader
            self.needed = frozenset(node for node in loader.graph.leaf_nodes() if migrations.is_ours(node[0]))
        return self.needed <= MigrationRecorder(connection).applied_migrations().keys()

    def _found(self, of_database: Mapping[str, str]) -> None:
        checks = {**of_database, "engine": OK if self.is_working() else FAILING}
        failed = [name for name, found in checks.items() if found != OK and name not in DETAILS]
        self.state = said("unavailable" if failed else "ready", {**checks, "models": outcomes.models()})
        self.good_until = asyncio.get_running_loop().time() + KEPT_SECONDS
        if failed != (self.failed or []):
            if failed:
                log.warning("This server is not ready: %s.", ", ".join(failed))
            else:
                log.info("This server is ready again.")
        self.failed = failed
