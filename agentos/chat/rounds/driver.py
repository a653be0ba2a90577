"""Drives rounds of tests on the loop of this server: one test after the other, so that a round takes one answer's place at a time.

A server that stops says so in its rounds. One that dies leaves them with a lease that runs out: such a round was broken off, and the
tests can be run again.
"""

import asyncio
import contextlib
import logging

from agentos.agents.cases import Finding
from agentos.agents.models import CaseResult, CaseRound
from agentos.chat import ephemeral
from agentos.chat.models import Run
from agentos.chat.rounds import answering, leases
from agentos.chat.runs.waiting import ended
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.errors import Problem
from agentos.core.pubsub import loops

log = logging.getLogger(__name__)

MARGIN = 5.0  # seconds, beyond what an answer may take
REFUSALS = 5  # of one answer: who then asks once more has no answer


class Rounds:
    """``start`` and ``stop`` belong to the server's lifespan."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        _Current.rounds = self

    async def stop(self) -> None:
        """Break off what is being driven, and say so there."""
        _Current.rounds = None
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, round_pk: int) -> None:
        """From any thread."""
        if self.loop:
            loops.call_soon(self.loop, self._spawn, round_pk)

    def _spawn(self, round_pk: int) -> None:
        task = self.tasks[round_pk] = asyncio.create_task(self._drive(round_pk))
        task.add_done_callback(lambda _: self.tasks.pop(round_pk, None))

    async def _drive(self, round_pk: int) -> None:
        living = asyncio.create_task(_live(round_pk))
        try:
            while begun := await db.write(answering.next_answer, round_pk):
                await _test(*begun)
            await db.write(answering.end, round_pk, CaseRound.Status.DONE)
        except asyncio.CancelledError:
            await asyncio.shield(db.write(answering.break_off, round_pk))
            raise
        except Exception:
            log.exception("The tests of round %s broke.", round_pk)
            await db.write(answering.break_off, round_pk)
        finally:
            living.cancel()


async def _live(round_pk: int) -> None:
    """Renew the lease of a round. A database that is away is asked again."""
    while True:
        await asyncio.sleep(leases.EVERY)
        with contextlib.suppress(Exception):
            await db.write(leases.renew, round_pk)


async def _test(result: CaseResult, run: Run) -> None:
    """Answer one test, and have the answer judged where that is asked for."""
    try:
        end, refused = await _answered(run)
        found = await db.write(answering.settle, result, end, refused)
    finally:
        await _discard(run)
    if found is not None:
        await _judged(result, found)


async def _judged(result: CaseResult, found: list[Finding]) -> None:
    try:
        run = await db.write(answering.begin_judging, result)
    except CaseRound.DoesNotExist:  # it was stopped
        return
    except Problem as problem:
        await db.write(answering.judge, result, found, None, problem.sentence)
        return
    try:
        end, _refused = await _answered(run)
        await db.write(answering.judge, result, found, end)
    finally:
        await _discard(run)


async def _answered(run: Run) -> tuple[Run | None, list[str]]:
    """Wait for the end of a run, and refuse what it asks meanwhile. Returns the run, None when it has no end, and what was refused."""
    refused: list[str] = []
    for _again in range(REFUSALS + 1):
        end = await ended(run, app_settings.RUN_TIMEOUT + MARGIN)
        if end is None or end.status != Run.Status.WAITING:
            return end, refused
        if len(refused) >= REFUSALS:
            break
        try:
            refused += await db.write(answering.refuse, end)
        except Problem:  # it has ended meanwhile, or may not go on
            continue
    return None, refused


async def _discard(run: Run) -> None:
    await asyncio.shield(db.write(ephemeral.discard, run_pk=run.pk, by=run.by))


class _Current:
    rounds: Rounds | None = None


def begin(round_pk: int) -> None:
    """Have this process drive a round. Called after the commit, from any thread. Where nobody drives, its lease runs out."""
    if _Current.rounds:
        _Current.rounds.begin(round_pk)
