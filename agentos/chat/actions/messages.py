"""Sending: a message, and with it the run that will answer it."""

import hashlib
import json
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import limits, quotas
from agentos.chat.actions.opening import check_agent_available, check_agent_open, move_to_top
from agentos.chat.actions.sessions import create_session
from agentos.chat.claiming import begin
from agentos.chat.models import MESSAGE_LIMIT, ChatSession, IdempotencyKey, Run
from agentos.chat.refusals import InvalidInput, KeyReused, QueueFull
from agentos.chat.revisions import lock
from agentos.core.prepared import Query, insert, new
from agentos.core.text import clean, shorten

QUEUE_LIMIT = 10  # messages that may wait in one chat
AUTO_TITLE_LIMIT = 60  # characters
CONTEXT_LIMIT = 16_000  # characters of JSON
KEY_LIMIT = 100  # characters


def send_message(
    *,
    by: User,
    text: str,
    session: ChatSession | None = None,
    agent: DjangoAgent | None = None,
    context: dict[str, Any] | None = None,
    idempotency_key: str = "",
) -> Run:
    """Store a message, in ``session`` or in a new session with ``agent``, with the run that will answer it.

    Raises InvalidInput, AgentClosed, AgentUnavailable, QueueFull, KeyReused, TooMuch, QuotaReached. The same ``idempotency_key``
    with the same content returns the run of the first time and changes nothing.
    """
    if len(idempotency_key) > KEY_LIMIT:
        raise InvalidInput("idempotency_key", f"An idempotency key can have {KEY_LIMIT} characters.")
    message = _message(text)
    extra = _context(context)
    fingerprint = _fingerprint(message, extra, session.session_id if session else f"agent:{agent.agent_id if agent else ''}")
    if idempotency_key and (known := _known_run(by, idempotency_key, fingerprint)):
        return known
    limits.check_send(by)
    try:
        with transaction.atomic():
            session = _session_for_message(session, agent, by)
            quotas.check(by)
            run = _new_run(session, by, message, extra)
            if idempotency_key:
                insert(new(IdempotencyKey, user=by, key=idempotency_key, fingerprint=fingerprint, run=run))
            about = {"session": session.session_id, "agent": session.agent.agent_id}
            record("chat.message.sent", by=by, object_type="run", object_id=run.run_id, **about)
    except IntegrityError:
        # The same submit came twice at once, and the other one was first: all of this one is undone.
        if idempotency_key and (known := _known_run(by, idempotency_key, fingerprint)):
            return known
        raise
    return run


def _message(text: str) -> str:
    message = clean(text).strip()
    if not message:
        raise InvalidInput("message", "Write a message first.")
    if len(message) > MESSAGE_LIMIT:
        raise InvalidInput("message", f"A message can have {MESSAGE_LIMIT:,} characters; this one has {len(message):,}.")
    return message


def _context(context: dict[str, Any] | None) -> dict[str, Any]:
    extra = context or {}
    size = len(clean(json.dumps(extra, ensure_ascii=True, default=str)))
    if size > CONTEXT_LIMIT:
        raise InvalidInput("context", f"The context can have {CONTEXT_LIMIT:,} characters of JSON; this one has {size:,}.")
    return extra


def _fingerprint(message: str, context: dict[str, Any], place: str) -> str:
    content = json.dumps([message, context, place], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _known_run(user: User, key: str, fingerprint: str) -> Run | None:
    known = _KNOWN.first(user.pk, key)
    if known is None:
        return None
    if known.fingerprint != fingerprint:
        raise KeyReused("This idempotency key was used for another message.")
    return known.run


_KNOWN = Query(lambda user, key: IdempotencyKey.objects.select_related("run__session__agent").filter(user=user, key=key), int, str)


def _session_for_message(session: ChatSession | None, agent: DjangoAgent | None, by: User) -> ChatSession:
    if session is None:
        if agent is None:
            raise InvalidInput("agent_id", "Name an agent or a session.")
        check_agent_available(agent)
        return create_session(agent=agent, by=by)
    session = lock(session.pk)
    check_agent_open(session.agent, by)
    check_agent_available(session.agent)
    return session


def _new_run(session: ChatSession, by: User, message: str, context: dict[str, Any]) -> Run:
    newest, unended, queued = next(iter(_TURNS.rows(session.pk)), (0, 0, 0))
    if queued >= QUEUE_LIMIT:
        raise QueueFull(f"{QUEUE_LIMIT} messages are waiting in this chat already. Wait for an answer first.")
    revision = move_to_top(session, title=session.title or shorten(message, AUTO_TITLE_LIMIT))
    run = new(Run, session=session, by=by, turn=newest + 1, input=message, context=context, revision=revision)
    if not unended:
        begin(run)  # else the end of the run before it wakes the dispatcher
    insert(run)
    return run


_TURNS = Query(
    lambda session: (
        Run.objects.filter(session=session)
        .values("session")
        .annotate(
            newest=Max("turn"),
            unended=Count("pk", filter=Q(status__in=Run.OPEN)),
            queued=Count("pk", filter=Q(status=Run.Status.QUEUED)),
        )
        .values_list("newest", "unended", "queued")
    ),
    int,
)
