"""What lives as long as the server: the engine, the watch over streams, the embedded model.

Servers wait for open streams before they shut down, and streams wait for the server: so the signal itself tells the
streams to end, before the server looks at them.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection

from agentos import speech
from agentos.access import outbox
from agentos.agents import code_agents, code_modules, runtime
from agentos.agents.local_model.supervisor import local_model
from agentos.billing import comparing, remote, waiting
from agentos.chat.live.mirrors import mirrors
from agentos.chat.registry import registry
from agentos.chat.rounds.driver import Rounds
from agentos.chat.runs.engine import Engine
from agentos.conf import EXTERNAL, INLINE, app_settings
from agentos.core import db
from agentos.core.pubsub import pubsub
from agentos.core.rendering import away
from agentos.core.starting import lock
from agentos.core.starting.ready import make_ready
from agentos.core.starting.refusal import CannotStart
from agentos.gateway.asgi import Gateway
from agentos.knowledge.indexer import Indexer
from agentos.operations import tracing
from agentos.operations.port import Port
from agentos.skills import sources
from agentos.webhooks.outbound.dispatcher import Dispatcher

if TYPE_CHECKING:
    from agentos.core.pubsub.notify import Listener

log = logging.getLogger("agentos.server")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

COLLECT_AT = (150_000, 20, 50)  # Python's own (700, 10, 10) collect several times for each answer; here every several hundred
TEND_EVERY = 60.0  # seconds
ACCOUNTS = "agentos.accounts"  # which a project with accounts of its own does not have
INTERRUPT_GRACE = 0.5  # seconds, for somebody at the keyboard who has pressed Ctrl-C


@cache
def warm_up() -> None:
    """Load Agno, for which the first run should not have to wait. What is loaded then stays as long as the process: the garbage
    collector does not have to walk over a million objects of it again and again."""
    runtime.engine()
    tracing.instrument_agno()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)


async def bring_agents() -> None:
    """Bring the agents in code into the catalogue. Nobody waits for it, and what goes wrong is said in the log."""
    try:
        modules = await asyncio.to_thread(code_modules.load)
        synced = await db.write(code_agents.sync, modules)
        for note in synced.notes:
            log.warning("%s", note)
    except Exception:
        log.exception("The agents in code could not be brought into the catalogue; those that are there stay.")


async def bring_skills() -> None:
    """The same for the skills of packages."""
    try:
        found = await asyncio.to_thread(sources.load, app_settings.SKILLS)
        synced = await db.write(sources.sync, found)
        for note in synced.notes:
            log.warning("%s", note)
    except Exception:
        log.exception("The skills of packages could not be brought; those that are there stay.")


def accounts_are_due() -> bool:
    return apps.is_installed(ACCOUNTS) and bool(import_module(f"{ACCOUNTS}.deleting").is_due())


def delete_accounts() -> None:
    import_module(f"{ACCOUNTS}.deleting").delete_due()


async def tend() -> None:
    """Send what a mail server did not take at once, or what was left when a server ended; delete accounts whose owners wanted that; and
    what has to be asked of Stripe."""
    while True:
        try:
            if await db.read(outbox.has_due):
                outbox.wake()
            if await db.read(accounts_are_due):
                await db.write(delete_accounts)
            if remote.is_on():
                await look_at_payments()
        except Exception:
            log.exception("Mails that wait, accounts to delete, or payments could not be looked for.")
        await asyncio.sleep(TEND_EVERY)


async def look_at_payments() -> None:
    if await db.read(waiting.has_due):
        waiting.wake()
    if await db.read(comparing.is_due) and await db.write(comparing.begin):
        comparing.start()


class Lifespan:
    def __init__(self, on_stop: list[Callable[[], None]], gateway: Gateway) -> None:
        self.on_stop = on_stop
        self.gateway = gateway
        self.engine: Engine | None = None
        self.watch: asyncio.Task[None] | None = None
        self.tending: asyncio.Task[None] | None = None
        self.port: Port | None = None
        self.dispatcher = Dispatcher()
        self.rounds = Rounds()
        self.indexer = Indexer()
        self.stopping: asyncio.Task[None] | None = None
        self.listener: Listener | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except CannotStart as error:  # the server that runs this says why, and ends
                    lock.release()
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                except Exception as error:
                    lock.release()
                    log.exception("The server could not start.")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def start(self) -> None:
        if not app_settings.LOCAL:
            await self.gateway.check()
        await db.write(make_ready)
        if self.port:
            await self.port.start()
        await asyncio.to_thread(tracing.start)
        self._chain_signals()
        await self._listen_to_others()
        if app_settings.WORKERS == INLINE:
            self.engine = Engine(alone=lock.is_held())
            await self.engine.start()
        self.rounds.start()
        self.indexer.start()
        await local_model.start()
        self.warming = asyncio.create_task(asyncio.to_thread(warm_up))
        has_skills = bool(app_settings.SKILLS) or await db.read(sources.has_rows)
        if has_skills:
            self.bringing_skills = asyncio.create_task(bring_skills())
        has_code = bool(app_settings.CODE_AGENTS) or await db.read(code_agents.has_rows)
        if has_code:
            self.bringing = asyncio.create_task(bring_agents())
        self.watch = asyncio.create_task(registry.watch())
        self.tending = asyncio.create_task(tend())
        await self.dispatcher.start()

    def is_working(self) -> bool:
        """Whether runs are driven, where this process is to drive any, and webhooks sent. Asked on the server's loop."""
        drives = app_settings.WORKERS == EXTERNAL or (self.engine is not None and self.engine.is_alive())
        return drives and self.dispatcher.is_alive()

    async def _listen_to_others(self) -> None:
        """Other processes can work on a PostgreSQL."""
        if connection.vendor == "postgresql":
            from agentos.core.pubsub.notify import Listener  # noqa: PLC0415 - nothing of it is loaded on SQLite

            mirrors.start()
            self.listener = Listener()
            await self.listener.start()

    async def stop(self) -> None:
        self._begin_to_stop(app_settings.GRACE_SECONDS)
        await self.rounds.stop()
        await self.indexer.stop()
        if self.stopping:
            await self.stopping
        for task in (self.watch, self.tending):
            if task:
                task.cancel()
        if self.port:
            await self.port.stop()
        await self.dispatcher.stop()
        if self.listener:
            await self.listener.stop()
            await mirrors.stop()
        await self.gateway.close()
        await local_model.stop()
        await speech.close()
        await runtime.close()
        for end in self.on_stop:
            end()
        away.close()
        db.close()
        lock.release()
        await asyncio.to_thread(tracing.stop)

    def _begin_to_stop(self, grace: float) -> None:
        """End the streams at once and the runs after ``grace`` seconds: requests that wait for an answer get one, and the
        server, which waits for its requests, can go."""
        registry.stopping = True
        pubsub.publish("stop")
        if self.engine and self.stopping is None:
            self.stopping = asyncio.create_task(self.engine.stop(grace))

    def _chain_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            grace = INTERRUPT_GRACE if number == signal.SIGINT else app_settings.GRACE_SECONDS

            def handle(received: int, frame: FrameType | None, before: Any = before, grace: float = grace) -> None:
                loop.call_soon_threadsafe(self._begin_to_stop, grace)
                if callable(before):
                    before(received, frame)

            signal.signal(number, handle)
