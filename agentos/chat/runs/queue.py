"""The queue of a site with workers: procrastinate's, in the PostgreSQL that is there anyway. Loaded where AGENTOS_WORKERS is ``external``.

A job says that a message waits in a session, and is stored by the transaction that stores the message. What is driven is what the table
of runs says: a job that comes twice, or late, does nothing, and one that is lost costs the time until a worker looks by itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from procrastinate import App
from procrastinate.app import WorkerOptions
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

log = logging.getLogger(__name__)

QUEUE = "runs"
TASK = "agentos.take"
HOW: WorkerOptions = {"queues": [QUEUE], "install_signal_handlers": False, "delete_jobs": "always", "shutdown_graceful_timeout": 0}
AGAIN_SECONDS = 1.0  # after the queue's database was away
DEAD_SECONDS = 60.0  # without a sign of life: then a worker's jobs are taken out


def put(session_pk: int) -> None:
    """Have a worker take the message that waits in this session, once that is committed. Database work."""
    app.configure_task(TASK, queue=QUEUE).defer(session_pk=session_pk)


async def work(take: Callable[[int], Awaitable[None]], at_once: int) -> None:
    """Give the jobs to ``take``, so many at once, until this is cancelled. Then what was begun goes on, and nothing more is begun."""
    while True:
        try:
            queue = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
            queue.task(name=TASK, queue=QUEUE)(_shielded(take))
            async with queue.open_async():
                forgetting = asyncio.create_task(_forget_the_dead(queue))
                try:
                    await queue.run_worker_async(**HOW | {"concurrency": at_once})
                finally:
                    forgetting.cancel()
        except Exception:
            log.exception("The queue could not be read; trying again.")
        await asyncio.sleep(AGAIN_SECONDS)


def _shielded(take: Callable[[int], Awaitable[None]]) -> Callable[[int], Awaitable[None]]:
    async def shielded(session_pk: int) -> None:
        await asyncio.shield(asyncio.ensure_future(take(session_pk)))  # the run is the engine's: it outlasts the queue's connection

    return shielded


async def _forget_the_dead(queue: App) -> None:
    """Take out the jobs of workers that died, now and then. Their runs are seen to by their leases."""
    while True:
        try:
            for job in await queue.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=DEAD_SECONDS):
                await queue.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except ConnectorException as error:  # the database is away
            log.warning("The jobs of workers that died could not be taken out: %s", error)
        await asyncio.sleep(DEAD_SECONDS)
