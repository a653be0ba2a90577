"""A title by the model of the agent: asked for once, when the first answer of a chat has ended well, and away from its run.

Nobody waits for it. Whatever goes wrong, the chat keeps the first words of its message, and a line of the log says why. It is noted before
the model is asked that it was: a server that stops meanwhile does not ask again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from agentos.agents import runtime, titles
from agentos.agents.events import Event, Failed, Finished, ReasoningDelta, Rethought, Usage
from agentos.agents.providers import gives_titles
from agentos.agents.runtime.whose import Whose
from agentos.agents.specs import spec_of
from agentos.audit.actions import record
from agentos.chat.counting import count_requests
from agentos.chat.live.revisions import change, lock
from agentos.chat.models import ChatSession, Run
from agentos.chat.titles import title_said
from agentos.conf import app_settings
from agentos.core import db

log = logging.getLogger(__name__)

SECONDS = 15.0
AT_ONCE = 4  # of one process
SAID_MOST = 400  # characters: whoever says more does not say a title
THOUGHT_MOST = 8_000

TitledBy = ChatSession.TitledBy


@dataclass(frozen=True, slots=True)
class Said:
    text: str = ""
    used: tuple[Mapping[str, Any], ...] = ()
    model: str = ""


class NoTitle(Exception):
    """The model could not be asked. The text is for the log."""


class Titling:
    """Of one engine."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)

    def is_due(self, run: Run, end: Event | None) -> bool:
        """Whether the chat of a run that has ended so may want a title. Asks no database."""
        session = run.session
        return (
            isinstance(end, Finished)
            and not end.cut
            and session.titled_by == TitledBy.NOBODY
            and not session.is_ephemeral
            and session.forked_at_turn is None
            and app_settings.TITLES == "model"
            and gives_titles(session.agent.model)
        )

    async def give(self, run: Run) -> None:
        """Ask, and store what is a title. Raises nothing."""
        try:
            async with asyncio.timeout(SECONDS):
                first = await db.write(_claim, run.pk)
                if first is None:
                    return
                async with self.turns:
                    said = await _ask(first)
            title = title_said(said.text, first.input)
            await db.write(_store, first, title, said)
            if not title:
                log.info("The model of chat %s said no title.", first.session.session_id)
        except Exception as error:  # noqa: BLE001 - a chat has a title already, and its first words are a good one
            log.info("The model of chat %s gave it no title: %s", run.session.session_id, f"{type(error).__name__} {error}".strip())


async def _ask(run: Run) -> Said:
    """Raises NoTitle, and TimeoutError when it says too much."""
    spec = replace(spec_of(run.session.agent), instructions=titles.INSTRUCTIONS, tools=(), kind="agent", members=())
    used: list[Mapping[str, Any]] = []
    whose: Whose = {
        "run_id": f"title-of-{run.run_id}",
        "user_id": str(run.by_id),
        "session_id": f"title-of-{run.session.session_id}",
    }
    async with asyncio.timeout(None) as enough:
        listener = _Listener(lambda: enough.reschedule(asyncio.get_running_loop().time()))
        asked = runtime.run(spec, follower=listener, **whose, message=titles.question(run.input, run.answer), context={}, history=())
        async with aclosing(asked) as events:
            async for event in events:
                if isinstance(event, Usage):
                    used.append(event.data())
                if isinstance(event, Failed):
                    raise NoTitle(event.detail or event.code)
    return Said(listener.text, tuple(used), spec.model)


class _Listener:
    """The follower: what is said, as long as it may be a title; then ``stop`` is called."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.text = ""
        self.thought = 0

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        if kind == Rethought.kind:
            self.text = ""
        elif kind == ReasoningDelta.kind:
            self.thought += len(text)
        else:
            self.text += text
        if len(self.text) > SAID_MOST or self.thought > THOUGHT_MOST:
            self.stop()

    def has_more(self, read: Callable[[], None]) -> None:
        read()


def _claim(run_pk: int) -> Run | None:
    """Note that the model is asked, or that nobody has to be; return the run from which the title is made."""
    with transaction.atomic():
        run = Run.objects.select_related("session__agent").get(pk=run_pk)
        session = lock(run.session_id)
        if session.titled_by or session.deleted_at:
            return None
        is_first = not Run.objects.filter(session=session, status=Run.Status.COMPLETED).exclude(pk=run.pk).exists()
        ChatSession.objects.filter(pk=session.pk).update(titled_by=TitledBy.MESSAGE)
        run.session = session
    return run if is_first and not run.is_hidden and run.answer.strip() else None


def _store(run: Run, title: str, said: Said) -> None:
    """Count what that has cost, and give the chat its title, unless somebody has meanwhile, or its first words are others by now."""
    with transaction.atomic():
        session = lock(run.session_id)
        tokens = count_requests(user_pk=run.by_id, agent_pk=session.agent_id, model=said.model, lines=said.used)
        if not title or session.titled_by != TitledBy.MESSAGE or session.title != run.session.title or session.deleted_at:
            return
        change(session, title=title, titled_by=TitledBy.MODEL)
        record("chat.session.titled", by=None, object_type="session", object_id=session.session_id, tokens=tokens)
