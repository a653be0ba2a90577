"""The beginning of a long chat is summed up before it falls out of what the model is shown: by the model of its agent, after an answer has
ended well, and away from its run.

Nobody waits for it. Whatever goes wrong, the model is shown the last turns only, as in any chat without a summary, and the end of a later
answer tries again. Who sums up claims the chat for a minute, so that of several servers one does, and a claim of one that has died is over.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from agentos.agents import runtime, summaries
from agentos.agents.events import Event, Failed, Finished, Rethought, TextDelta, Usage
from agentos.agents.history import Turn
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime.whose import Whose
from agentos.agents.specs import AgentSpec, spec_of
from agentos.audit.actions import record
from agentos.chat import quotas
from agentos.chat.counting import count_requests
from agentos.chat.errors import ChatError
from agentos.chat.live.revisions import lock
from agentos.chat.models import ChatSession, ChatSummary, Run
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.db import database_clock

log = logging.getLogger(__name__)

SECONDS = 60.0
AT_ONCE = 2  # of one process

Used = Sequence[Mapping[str, Any]]  # the data of Usage events


@dataclass(frozen=True, slots=True)
class Work:
    """``before``: the summary so far, which counts up to the run ``after``. ``through``: the last run that the new one tells."""

    spec: AgentSpec
    before: str
    after: int | None
    turns: list[tuple[str, str]]
    through: int
    has_tools: bool


class NoSummary(Exception):
    """The model could not be asked, or said nothing. The text is for the log."""


class Summing:
    """Of one engine."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(AT_ONCE)

    def is_due(self, run: Run, end: Event | None) -> bool:
        """Whether a long chat may be summed up after a run that has ended so. Asks no database."""
        agent: DjangoAgent = run.session.agent
        wanted = isinstance(end, Finished) and not run.session.is_ephemeral and app_settings.HISTORY_TURNS > 1
        return wanted and agent.kind in DjangoAgent.ASKS_A_MODEL and summaries.gives_summaries(agent.model)

    async def give(self, run: Run) -> None:
        """Ask, and store it. Raises nothing."""
        try:
            async with self.places, asyncio.timeout(SECONDS):
                work = await db.write(_claim, run.session_id)
                if work is None:
                    return
                text, used = await _ask(work, run)
                await db.write(_store, run.session_id, work, text, used)
        except Exception as error:  # noqa: BLE001 - the chat goes on without it
            log.info("Chat %s was not summed up: %s", run.session.session_id, f"{type(error).__name__} {error}".strip())


async def _ask(work: Work, run: Run) -> tuple[str, Used]:
    """Return what the model says, and what that has used. Raises NoSummary."""
    listener, used = _Listener(), list[Mapping[str, Any]]()
    whose: Whose = {
        "run_id": f"summary-of-{run.run_id}",
        "user_id": str(run.by_id),
        "session_id": f"summary-of-{run.session.session_id}",
    }
    said = summaries.question(work.before, work.turns)
    async with aclosing(runtime.run(work.spec, follower=listener, **whose, message=said, context={}, history=())) as events:
        async for event in events:
            if isinstance(event, Usage):
                used.append(event.data())
            if isinstance(event, Failed):
                raise NoSummary(event.detail or event.code)
    text = listener.text.strip()[: summaries.LIMIT]
    if not text:
        raise NoSummary("The model said nothing.")
    return text, used


class _Listener:
    """The follower: the answer's text."""

    def __init__(self) -> None:
        self.text = ""

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        if kind == Rethought.kind:
            self.text = ""
        elif kind == TextDelta.kind:
            self.text += text

    def has_more(self, read: Callable[[], None]) -> None:
        read()


def _claim(session_pk: int) -> Work | None:
    """Return what is to be summed up now, claimed; None when nothing is, somebody else does it, or its user has used up their plan."""
    with transaction.atomic():
        session = lock(session_pk)
        if session.deleted_at:
            return None
        ChatSummary.objects.get_or_create(session=session)
        known = ChatSummary.objects.select_for_update(of=("self",)).select_related("through").get(session=session)
        if known.claimed_until and known.claimed_until > database_clock.now():
            return None
        work = _work(session, known)
        try:
            if work is not None:
                quotas.check(session.user, session.agent)
        except ChatError:
            return None
        if work is not None:
            ChatSummary.objects.filter(session=session).update(claimed_until=database_clock.now() + timedelta(seconds=SECONDS))
        return work


def _work(session: ChatSession, known: ChatSummary) -> Work | None:
    base = known.through if known.through and not known.through.is_hidden else None
    shown = Run.objects.filter(session=session, is_hidden=False, status__in=Run.ENDED, turn__gt=base.turn if base else 0)
    runs = list(shown.order_by("turn").only("turn", "input", "answer", "messages", "parts"))
    turns = [Turn(run.input, run.answer, run.messages) for run in runs]
    agent: DjangoAgent = session.agent
    if len(runs) < 2 or not summaries.is_long(agent.model, turns, app_settings.HISTORY_TURNS):  # noqa: PLR2004 - one stays as it is
        return None
    told = runs[: len(runs) // 2]
    spec = replace(
        spec_of(agent),
        instructions=summaries.INSTRUCTIONS,
        tools=(),
        skills=(),
        bases=(),
        kind=DjangoAgent.Kind.AGENT,
        members=(),
        effort="",
    )
    return Work(
        spec=spec,
        before=known.text if base else "",
        after=base.pk if base else None,
        turns=[(run.input, run.answer) for run in told],
        through=told[-1].pk,
        has_tools=(bool(base) and known.has_tools) or any(part["kind"] not in {"text", "reasoning"} for run in told for part in run.parts),
    )


def _store(session_pk: int, work: Work, text: str, used: Used) -> None:
    """Keep it, unless what it tells is not shown any more; what it has cost counts in any case."""
    with transaction.atomic():
        session = lock(session_pk)
        tokens = count_requests(user_pk=session.user_id, agent_pk=session.agent_id, model=work.spec.model, lines=used)
        record("chat.session.summed_up", by=None, object_type="session", object_id=session.session_id, tokens=tokens)
        is_shown = Run.objects.filter(pk=work.through, session=session, is_hidden=False).exists()
        if session.deleted_at or not is_shown:
            ChatSummary.objects.filter(session=session).update(claimed_until=None)
            return
        kept = {"text": text, "through_id": work.through, "has_tools": work.has_tools, "claimed_until": None}
        ChatSummary.objects.filter(session=session).update(**kept)
