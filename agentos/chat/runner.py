"""Driving one run: from the claimed row to its end. The same in every mode; who calls it is the dispatcher's business."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from django.conf import settings

from agentos.agents import failures, runtime
from agentos.agents.blueprints import Blueprint, blueprint_of
from agentos.agents.events import Event, Failed, Finished, Interrupted, ToolFailed, ToolFinished, ToolStarted, Waiting
from agentos.agents.history import Turn
from agentos.chat import ephemeral, queries
from agentos.chat.drafts import drafts
from agentos.chat.ending import end_run
from agentos.chat.journal import Entry, Journal
from agentos.chat.models import Run
from agentos.core import db

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
END_RETRIES = 5
RETRY_PAUSES = (0.5, 1.5)  # seconds, before a model that could not be reached is asked again; never after its first word


class Drive:
    """One attempt at one run. ``fate`` is what to write when the task is cancelled; None: it has ended already."""

    def __init__(self, run: Run, journal: Journal) -> None:
        self.run = run
        self.journal = journal
        self.fate: Event | None = Interrupted()
        self.task: asyncio.Task[None] | None = None
        self.began = self.heard = asyncio.get_running_loop().time()
        self.open_tools = 0

    def cancel(self, fate: Event | None) -> None:
        """Let go at once, whatever the model is doing; ``fate`` is written if the run has not ended."""
        self.fate = fate
        if self.task:
            self.task.cancel()

    def overdue(self, now: float) -> Failed | None:
        """What the run fails of when it has been silent, or has run, for too long."""
        self.journal.catch_up(self.run.pk)
        if now - self.began > settings.RUN_TIMEOUT:
            return Failed("run_timeout")
        if now - self.heard > settings.SILENCE_TIMEOUT and not self.open_tools:
            return Failed("model_silent")
        return None

    async def go(self) -> None:
        draft = drafts.open(self.run)
        entry = self.journal.open(draft, on_stale=lambda: self.cancel(None))
        end: Event | None = Interrupted()
        try:
            end = await self._listen(entry)
        except asyncio.CancelledError:
            end = self.fate
        except Exception:
            log.exception("Run %s broke.", self.run.run_id)
            end = Failed("internal")
        finally:
            if end is not None:
                await asyncio.shield(self._finish(entry, end))
            self.journal.close(entry)
            drafts.close(draft)

    async def _listen(self, entry: Entry) -> Event:
        blueprint, history, lines = await db.look(_prepare, self.run)
        for line in lines:
            entry.draft.take(line.seq, line.kind, line.data)
        for pause in RETRY_PAUSES:
            end = await self._follow(self._ask(blueprint, history, entry), entry)
            if not (isinstance(end, Failed) and end.code in failures.RETRYABLE and entry.fresh):
                return end
            await asyncio.sleep(pause)
        return await self._follow(self._ask(blueprint, history, entry), entry)

    def _ask(self, blueprint: Blueprint, history: list[Turn], entry: Entry) -> AsyncIterator[Event]:
        follower = _Noting(self, entry)
        if self.run.agno_output is not None:
            return runtime.resume(
                blueprint,
                follower=follower,
                run_id=self.run.run_id,
                user_id=str(self.run.by_id),
                session_id=self.run.session.session_id,
                output=self.run.agno_output,
                answers=[runtime.Answer(**answer) for answer in self.run.answers],
                history=history,
            )
        return runtime.run(
            blueprint,
            follower=follower,
            run_id=self.run.run_id,
            user_id=str(self.run.by_id),
            session_id=self.run.session.session_id,
            message=self.run.input,
            context=self.run.context,
            history=history,
        )

    async def _follow(self, stream: AsyncIterator[Event], entry: Entry) -> Event:
        """Note down what the agent does, and return how it ended."""
        now = asyncio.get_running_loop().time
        async for event in stream:
            self.heard = now()
            if event.terminal or isinstance(event, Waiting):
                return event
            if isinstance(event, ToolStarted):
                self.open_tools += 1
            elif isinstance(event, ToolFinished | ToolFailed):
                self.open_tools -= 1
            self.journal.put(entry, event)
        return Finished()

    async def _finish(self, entry: Entry, end: Event) -> None:
        if isinstance(end, Failed) and end.detail:
            log.warning("Run %s failed (%s): %s", self.run.run_id, end.code, end.detail)
        rows = await self.journal.last_words(entry)
        for again in range(END_RETRIES):
            try:
                await db.write_together(end_run, run_pk=self.run.pk, event=end, attempt=self.run.attempt, last_words=rows)
            except Exception:
                log.exception("The end of run %s could not be written.", self.run.run_id)
                await asyncio.sleep(0.2 * 2**again)
            else:
                return
        # Its lease runs out, and the reaper ends it.


class _Noting:
    """Notes down what the agent says: the follower of the run."""

    def __init__(self, drive: Drive, entry: Entry) -> None:
        self.drive = drive
        self.entry = entry
        self.now = asyncio.get_running_loop().time

    def tell(self, kind: str, text: str) -> None:
        self.drive.heard = self.now()
        self.drive.journal.say(self.entry, kind, text)

    def has_more(self, read: Callable[[], None]) -> None:
        self.drive.journal.has_more(self.entry, read)


def _prepare(run: Run) -> tuple[Blueprint, list[Turn], list[queries.JournalLine]]:
    """What a drive starts from; a run that goes on after an answer has a journal already."""
    lines = queries.journal(run) if run.agno_output is not None else []
    history = ephemeral.given_turns(run.session) if run.session.is_ephemeral else queries.history(run, settings.HISTORY_TURNS)
    return blueprint_of(run.session.agent), history, lines
