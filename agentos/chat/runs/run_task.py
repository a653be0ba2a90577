"""The task that drives one run, from the claimed row to its end. The same in every mode: the dispatcher decides who runs it."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from agentos.agents import failures, runtime, summaries
from agentos.agents.choosing import effort_with
from agentos.agents.events import Delegated, Event, Failed, Finished, Interrupted, ToolFailed, ToolFinished, ToolStarted, Waiting
from agentos.agents.history import Turn
from agentos.agents.media import Given, NotKept
from agentos.agents.models import DjangoAgent
from agentos.agents.specs import AgentSpec, with_keeper, with_model
from agentos.chat import ephemeral, files, queries, trying
from agentos.chat.knowledge import with_knowledge
from agentos.chat.live.buffer import live_buffers
from agentos.chat.live.revisions import change, lock
from agentos.chat.models import Run, RunFile
from agentos.chat.runs import giving
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.journal import Entry, Journal
from agentos.conf import app_settings
from agentos.core import db, log_context, tracing
from agentos.files.errors import FileError, NotReached
from agentos.files.keeping import keep_bytes_away
from agentos.files.models import Blob
from agentos.memories.telling import with_memories, without_memories

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
END_RETRIES = 5
MADE_MOST = 10  # files of one answer
WAIT_MOST = 30.0  # seconds that a provider may ask for before it is asked again
WAIT_TOLD = 2.0  # seconds from which on people are told
RETRY_PAUSES = (0.5, 1.5)  # seconds, before a model that could not be reached is asked again; never after its first word


class RunTask:
    """One attempt at one run. ``outcome`` is what to write when the task is cancelled; None: it has ended already. ``end``: how it has
    ended, once that is stored."""

    def __init__(self, run: Run, journal: Journal) -> None:
        self.run = run
        self.journal = journal
        self.outcome: Event | None = Interrupted()
        self.end: Event | None = None
        self.task: asyncio.Task[None] | None = None
        self.began = self.heard = asyncio.get_running_loop().time()
        self.open_tools = 0
        self.files: list[Given] = []  # of its message, as the model is given them
        self.is_long = False  # turns of its chat are about to be left out of what the model is shown
        self.is_ending = False  # what it writes last is on its way

    def cancel(self, outcome: Event | None) -> None:
        """Let go at once, whatever the model is doing; ``outcome`` is written if the run has not ended."""
        self.outcome = outcome
        if self.task:
            self.task.cancel()

    def overdue(self, now: float) -> Failed | None:
        """What the run fails of when it has been silent, or has run, for too long."""
        self.journal.catch_up(self.run.pk)
        if now - self.began > app_settings.RUN_TIMEOUT:
            return Failed("run_timeout")
        if now - self.heard > app_settings.SILENCE_TIMEOUT and not self.open_tools:
            return Failed("model_silent")
        return None

    async def go(self) -> None:
        log_context.run_id.set(self.run.run_id)
        with tracing.span("run", {"agentos.run_id": self.run.run_id, "agentos.attempt": self.run.attempt}) as span:
            end = await self._go()
            span.note(agentos__end=end.kind if end else "ended elsewhere")
            if isinstance(end, Failed):
                span.failed(end.code)

    async def _go(self) -> Event | None:
        """Return how it ended; None: somebody else has ended it."""
        buffer = live_buffers.open(self.run)
        entry = self.journal.open(buffer, on_stale=lambda: self.cancel(None))
        end: Event | None = Interrupted()
        try:
            end = await self._listen(entry)
        except asyncio.CancelledError:
            end = self.outcome
        except NotReached:
            end = Failed("files_away")
        except Exception:
            log.exception("Run %s broke.", self.run.run_id)
            end = Failed("internal")
        finally:
            self.is_ending = True
            if end is not None:
                await asyncio.shield(self._finish(entry, end))
            self.journal.close(entry)
            live_buffers.close(buffer)
        return end

    async def _listen(self, entry: Entry) -> Event:
        spec, history, lines, rows = await db.read(_prepare, self.run)
        if rows:
            self.files = await giving.given(rows.message, spec, with_text=self.run.agno_output is None)
            history = await giving.with_pictures(history, rows.earlier, spec)
            self.heard = asyncio.get_running_loop().time()
        self.is_long = self.run.turn >= queries.SUMMED_FROM and summaries.is_long(spec.model, history, app_settings.HISTORY_TURNS - 1)
        if not self.run.session.is_ephemeral:
            spec = with_keeper(spec, self._keep)
        for line in lines:
            entry.buffer.take(line.seq, line.kind, line.data)
        end = await self._persist(spec, history, entry)
        for model in spec.fallbacks if self.run.agno_output is None else ():
            if not (isinstance(end, Failed) and end.code in failures.OF_THE_MODEL and entry.fresh):
                return end
            log.warning("Run %s: %s failed (%s), %s is asked instead.", self.run.run_id, spec.model, end.code, model)
            await db.write(_note_model, self.run, model, spec.model)
            self.heard = asyncio.get_running_loop().time()
            end = await self._persist(with_model(spec, model), history, entry)
        return end

    async def _persist(self, spec: AgentSpec, history: list[Turn], entry: Entry) -> Event:
        """Ask the model, and ask it again where that may help. A picture of an earlier turn that it refuses does not stand in the way of
        every message after it."""
        end = await self._ask_again(spec, history, entry)
        if isinstance(end, Failed) and end.code == "media_refused" and entry.fresh and any(turn.files for turn in history):
            self.heard = asyncio.get_running_loop().time()
            end = await self._ask_again(spec, [replace(turn, files=()) for turn in history], entry)
        return end

    async def _ask_again(self, spec: AgentSpec, history: list[Turn], entry: Entry) -> Event:
        for pause in RETRY_PAUSES:
            end = await self._follow(self._ask(spec, history, entry), entry)
            if not (isinstance(end, Failed) and end.code in failures.RETRYABLE and entry.fresh):
                return end
            if end.wait is not None and end.wait > WAIT_MOST:
                return end
            await self._wait(max(pause, end.wait or 0.0))
        return await self._follow(self._ask(spec, history, entry), entry)

    async def _wait(self, seconds: float) -> None:
        """Wait before the model is asked again. A turn that waits for long says so."""
        told = seconds >= WAIT_TOLD
        if told:
            await db.write(_note_wait, self.run, math.ceil(seconds))
        await asyncio.sleep(seconds)
        self.heard = asyncio.get_running_loop().time()
        if told:
            await db.write(_note_wait, self.run, None)

    def _ask(self, spec: AgentSpec, history: list[Turn], entry: Entry) -> AsyncIterator[Event]:
        follower = _JournalFollower(self, entry)
        if self.run.agno_output is not None:
            return runtime.resume(
                spec,
                follower=follower,
                run_id=self.run.run_id,
                user_id=str(self.run.by_id),
                session_id=self.run.session.session_id,
                output=self.run.agno_output,
                answers=[_answer(answer) for answer in self.run.answers],
                history=history,
                files=self.files,
            )
        return runtime.run(
            spec,
            follower=follower,
            run_id=self.run.run_id,
            user_id=str(self.run.by_id),
            session_id=self.run.session.session_id,
            message=self.run.input,
            context=self.run.context,
            history=history,
            files=self.files,
        )

    async def _follow(self, stream: AsyncIterator[Event], entry: Entry) -> Event:
        """Put the agent's events into the journal, and return how it ended."""
        now = asyncio.get_running_loop().time
        async for event in stream:
            self.heard = now()
            if event.terminal or isinstance(event, Waiting):
                return event
            if isinstance(event, ToolStarted):
                self.open_tools += 1
                event = self._with_decision(event)  # noqa: PLW2901 - the same event, with more in it
            elif isinstance(event, ToolFinished | ToolFailed):
                self.open_tools -= 1
            self.journal.put(entry, event)
            if isinstance(event, ToolStarted | Delegated):
                await self.journal.written()  # or this driver, which may have been taken for dead, would call what must not be called twice
        return Finished()

    def _with_decision(self, event: ToolStarted) -> ToolStarted:
        """The start of a call with what a person has decided about it, if one was asked."""
        for stored in self.run.answers:
            if stored["call_id"] == event.call_id:
                decision = "refused" if not stored["confirmed"] else "answered" if stored["values"] else "approved"
                changed = sorted(stored.get("arguments", {}))
                return replace(event, decision=decision, decided_by=stored.get("by", ""), note=stored.get("note", ""), changed=changed)
        return event

    async def _keep(self, name: str, data: bytes, origin: str) -> None:
        """Keep what a model or a tool has made: it stands with the answer once that has ended. Raises NotKept."""
        try:
            blob = await keep_bytes_away(owner=self.run.by, data=data, name=name)
            await db.write(_bind_made, self.run, blob, name, origin)
        except FileError as error:
            raise NotKept(error.sentence) from None

    async def _finish(self, entry: Entry, end: Event) -> None:
        if isinstance(end, Failed) and end.detail:
            log.warning("Run %s failed (%s): %s", self.run.run_id, end.code, end.detail)
        rows = await self.journal.last_words(entry)
        for again in range(END_RETRIES):
            try:
                is_ours = await db.write(end_run, run_pk=self.run.pk, event=end, attempt=self.run.attempt, last_words=rows)
            except Exception:
                log.exception("The end of run %s could not be written.", self.run.run_id)
                await asyncio.sleep(0.2 * 2**again)
            else:
                self.end = end if is_ours else None
                return
        # Its lease runs out, and the reaper ends it.


class _JournalFollower:
    """The follower of the run: passes its text to the journal."""

    def __init__(self, run_task: RunTask, entry: Entry) -> None:
        self.run_task = run_task
        self.entry = entry
        self.now = asyncio.get_running_loop().time

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        self.run_task.heard = self.now()
        self.run_task.journal.say(self.entry, kind, text, within, by)

    def has_more(self, read: Callable[[], None]) -> None:
        self.run_task.journal.has_more(self.entry, read)


def _answer(stored: dict[str, Any]) -> runtime.Answer:
    return runtime.Answer(**{name: value for name, value in stored.items() if name != "by"})


def _bind_made(run: Run, blob: Blob, name: str, origin: str) -> None:
    """A driver that has lost the run adds nothing to it. Raises NotKept."""
    with transaction.atomic():
        lock(run.session_id)
        current = Run.objects.select_related("session__user").filter(pk=run.pk, status=Run.Status.RUNNING, attempt=run.attempt).first()
        if current is None:
            raise NotKept("The answer has ended.")
        if RunFile.objects.filter(run=current).exclude(origin=RunFile.Origin.PERSON).count() >= MADE_MOST:
            raise NotKept(gettext("An answer can have %(limit)s files.") % {"limit": MADE_MOST})
        files.keep_made(run=current, blob=blob, name=name, origin=origin)


def _note_wait(run: Run, seconds: int | None) -> None:
    """Say in the turn that the model is waited for, or no longer is."""
    _note(run, waits_seconds=seconds)


def _note_model(run: Run, model: str, instead_of: str) -> None:
    """Say in the turn which model answers in place of which."""
    _note(run, model=model, instead_of=instead_of, waits_seconds=None)


def _note(run: Run, **columns: Any) -> None:
    with transaction.atomic():
        session = lock(run.session_id)
        running = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING, attempt=run.attempt)
        if running.exists():
            running.update(**columns, revision=change(session))


def _prepare(run: Run) -> tuple[AgentSpec, list[Turn], list[queries.JournalLine], giving.Files]:
    """What a run task starts from; a run that goes on after an answer has a journal already."""
    lines = queries.journal(run) if run.agno_output is not None else []
    told = None if run.session.is_ephemeral or run.session.agent.kind not in DjangoAgent.ASKS_A_MODEL else queries.summary_before(run)
    after = told.through.turn if told and told.through else 0
    history, earlier = ([], {}) if run.session.is_ephemeral else queries.history_with_files(run, app_settings.HISTORY_TURNS, after=after)
    agent = trying.agent_of(run)
    model = run.model or agent.model
    spec = trying.spec_of_run(run)
    effort = effort_with(agent, model, run.effort)
    members = tuple(replace(member, effort=effort) for member in spec.members)
    spec = replace(
        with_model(spec, model),
        effort=effort,
        members=members,
        answer_format=run.options.get("format"),
        approved=frozenset(run.session.approved_tools),
        teams=_teams_of(run) if agent.kind == DjangoAgent.Kind.CODE else (),
    )
    spec = with_knowledge(spec, run)
    spec = without_memories(spec) if run.session.is_ephemeral else with_memories(spec, run.by_id)
    if told:
        brought = frozenset({"summary"}) if told.has_tools else frozenset()
        spec = replace(spec, instructions=spec.instructions + summaries.told(told.text), brought=brought)
    given = ephemeral.given_turns(run.session)
    rows = giving.Files(files.of_message(run), {place + len(given): each for place, each in earlier.items()})
    if attached := rows.attached():
        spec = replace(spec, attached=attached, brought=spec.brought | {"attachment"})
    return spec, [*given, *history], lines, rows


def _teams_of(run: Run) -> tuple[str, ...]:
    return tuple(run.by.memberships.order_by("team__name").values_list("team__name", flat=True))
