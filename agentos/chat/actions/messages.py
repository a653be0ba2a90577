"""Sending: a message, and with it the run that will answer it."""

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import limits, quotas
from agentos.chat.actions.choosing import Chosen, checked
from agentos.chat.actions.opening import check_agent_available, check_agent_open, move_to_top
from agentos.chat.actions.sessions import create_session
from agentos.chat.errors import InvalidInput, QueueFull, WaitingForApproval
from agentos.chat.files import bind, check_taken
from agentos.chat.idempotency import once
from agentos.chat.live.revisions import lock
from agentos.chat.models import MESSAGE_LIMIT, ChatSession, Run, searchable_text
from agentos.chat.runs.claiming import begin
from agentos.chat.titles import title_of
from agentos.core.db.prepared import Query, insert, new
from agentos.core.text import clean
from agentos.files.actions import take
from agentos.files.errors import FileError
from agentos.files.models import Attachment

QUEUE_LIMIT = 10  # messages that may wait in one chat
CONTEXT_LIMIT = 16_000  # characters of JSON
BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")


def send_message(  # noqa: PLR0913 - what goes with a message
    *,
    by: User,
    text: str,
    session: ChatSession | None = None,
    agent: DjangoAgent | None = None,
    context: dict[str, Any] | None = None,
    idempotency_key: str = "",
    wants_answer: bool = False,
    history: Sequence[dict[str, str]] = (),
    options: dict[str, Any] | None = None,
    model: str | None = None,
    effort: str | None = None,
    files: Sequence[str] = (),
    fingerprints: Sequence[str] = (),
) -> Run:
    """Store a message, in ``session`` or in a new session with ``agent``, with the run that will answer it.

    ``wants_answer``: the sender stays for it. Where a person has to approve something first, who might take days, that is
    WaitingForApproval; anybody else's message is queued. ``history``: what was said before a new session, which is told to the agent.
    ``options``: what a client of OpenAI's protocol asks for with the message. ``model``, ``effort``: what the sender chose of what the
    agent allows, which the chat remembers; None: what it remembers. ``files``: ids of the sender's files that were not sent yet; a message
    with some may have no text. ``fingerprints``: what stands for the files where the same message has others when it comes again.

    Raises InvalidInput, AgentClosed, AgentUnavailable, QueueFull, KeyReused, TooMuch, QuotaReached. The same ``idempotency_key``
    with the same content returns the run of the first time and changes nothing.
    """
    message = checked_message(text, may_be_empty=bool(files))
    extra = _context(context)
    place = session.session_id if session else f"agent:{agent.agent_id if agent else ''}"
    chosen = [model, effort] if model is not None or effort is not None else []
    what = [
        message,
        extra,
        place,
        *([list(history), options] if history or options else []),
        *chosen,
        *([{"files": list(fingerprints or files)}] if files else []),
    ]

    def send() -> Run:
        where = _session_for_message(session, agent, by, history)
        quotas.check(by, where.agent)
        how = checked(where.agent, model, effort, where)
        taken = taken_for(by, files)
        check_taken(where.agent, how.model, taken)
        run = _new_run(where, by, message, how, files=taken, wants_answer=wants_answer, context=extra, options=options or {})
        about = {"session": where.session_id, "agent": where.agent.agent_id}
        record("chat.message.sent", by=by, object_type="run", object_id=run.run_id, **about)
        return run

    return once(send, kind=Run, by=by, key=idempotency_key, what=what, check=partial(limits.check_send, by))


def taken_for(by: User, files: Sequence[str]) -> list[Attachment]:
    """Take files of this user's that were not sent yet, in the caller's transaction. Raises InvalidInput."""
    try:
        return take(by=by, file_ids=files)
    except FileError as error:
        raise InvalidInput("files", error.sentence) from None


def checked_message(text: str, *, may_be_empty: bool = False) -> str:
    """Return a message as it is stored. Raises InvalidInput."""
    message = BLANK_LINES.sub("", clean(text).rstrip())  # the indentation of the first line says something: it may be code
    if not message and not may_be_empty:
        raise InvalidInput("message", _("Write a message first."))
    if len(message) > MESSAGE_LIMIT:
        sentence = _("A message can have %(limit)s characters; this one has %(size)s.") % {
            "limit": f"{MESSAGE_LIMIT:,}",
            "size": f"{len(message):,}",
        }
        raise InvalidInput("message", sentence, longest=MESSAGE_LIMIT)
    return message


def _context(context: dict[str, Any] | None) -> dict[str, Any]:
    extra = context or {}
    size = len(clean(json.dumps(extra, ensure_ascii=True, default=str)))
    if size > CONTEXT_LIMIT:
        raise InvalidInput(
            "context",
            _("The context can have %(limit)s characters of JSON; this one has %(size)s.")
            % {"limit": f"{CONTEXT_LIMIT:,}", "size": f"{size:,}"},
        )
    return extra


def _session_for_message(
    session: ChatSession | None, agent: DjangoAgent | None, by: User, history: Sequence[dict[str, str]]
) -> ChatSession:
    if session is None:
        if agent is None:
            raise InvalidInput("agent_id", _("Name an agent or a session."))
        check_agent_available(agent)
        return create_session(agent=agent, by=by, history=history)
    session = lock(session.pk)
    check_agent_open(session.agent, by)
    check_agent_available(session.agent)
    return session


def _new_run(
    session: ChatSession,
    by: User,
    message: str,
    how: Chosen,
    *,
    files: Sequence[Attachment],
    wants_answer: bool,
    **more: dict[str, Any],
) -> Run:
    newest, last, unended, queued, waiting = next(iter(_TURNS.rows(session.pk)), (None, None, 0, 0, 0))
    if waiting and wants_answer:
        raise WaitingForApproval(session.session_id)
    if queued >= QUEUE_LIMIT:
        raise QueueFull(_("%(limit)s messages are waiting in this chat already. Wait for an answer first.") % {"limit": QUEUE_LIMIT})
    revision = move_to_top(session, title=session.title or title_of(message) or (title_of(files[0].name) if files else ""), **how._asdict())
    place = {"turn": (newest or 0) + 1, "follows": last, "revision": revision}
    said = {"input": message, "searchable": searchable_text(message, ""), **how.of_run, **more}
    run = new(Run, session=session, by=by, **said, **place)
    if not unended:
        begin(run)  # else the end of the run before it wakes the dispatcher
    insert(run)
    bind(run=run, attachments=files)
    return run


_TURNS = Query(
    lambda session: (
        Run.objects.filter(session=session)
        .values("session")
        .annotate(
            newest=Max("turn", filter=Q(is_hidden=False)),
            last=Max("pk", filter=Q(is_hidden=False)),  # of the runs that are shown, the last turn's is the youngest
            unended=Count("pk", filter=Q(status__in=Run.OPEN)),
            queued=Count("pk", filter=Q(status=Run.Status.QUEUED)),
            waiting=Count("pk", filter=Q(status=Run.Status.WAITING)),
        )
        .values_list("newest", "last", "unended", "queued", "waiting")
    ),
    int,
)
