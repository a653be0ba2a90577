"""`manage.py agentos_worker`: drives the runs of servers that only queue them (AGENTOS_WORKERS=external)."""

import asyncio
import contextlib
import signal
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentos import speech
from agentos.agents import code_modules, runtime
from agentos.agents.local_model.supervisor import local_model
from agentos.chat.runs.engine import Engine
from agentos.conf import EXTERNAL, app_settings
from agentos.core import db
from agentos.core.starting import beside
from agentos.core.starting.ready import make_ready
from agentos.core.starting.sentences import said


class Command(BaseCommand):
    help = "Drives the runs of servers that only queue them, until SIGTERM. Start as many as you need."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="bring the database up to date first")

    def handle(self, **options: Any) -> None:
        if app_settings.WORKERS != EXTERNAL:
            msg = "There is nothing for a worker to do: the servers drive their runs. Set AGENTOS_WORKERS=external for servers and workers."
            raise CommandError(msg)
        with said():
            make_ready(migrate=options["migrate"])
            self.check()
        with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.work())

    async def work(self) -> None:
        from agentos.chat.runs import queue  # noqa: PLC0415 - its library is loaded only where it is used
        from agentos.core.pubsub.notify import Listener  # noqa: PLC0415

        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        engine, listener = Engine(most=app_settings.WORKER_RUNS), Listener()
        await asyncio.to_thread(runtime.engine)  # the first run should not have to wait for it
        loading = asyncio.create_task(asyncio.to_thread(code_modules.load))  # nor for these
        watched = beside.new(engine.is_alive)
        await watched.start()
        await local_model.start()
        await listener.start()
        await engine.start()
        taking = asyncio.create_task(queue.work(engine.take, app_settings.WORKER_RUNS))
        self.stdout.write("The worker is ready.")
        self.stdout.flush()
        await stopping.wait()
        taking.cancel()
        loading.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await engine.stop(app_settings.GRACE_SECONDS)
        await listener.stop()
        await asyncio.gather(local_model.stop(), speech.close())
        await runtime.close()
        await watched.stop()
        db.close()
