"""Doing what a proven event says, through the same door as everybody: with the rights, limits and audit of the service identity."""

from dataclasses import dataclass

from django.db import transaction

from agentos.chat import actions as chat
from agentos.chat import limits
from agentos.chat.models import TITLE_LIMIT, ChatSession, Run
from agentos.chat.queries import visible_runs
from agentos.chat.refusals import AgentClosed, Refusal
from agentos.core.errors import Problem
from agentos.core.strict_json import parse
from agentos.core.text import shorten
from agentos.service import AgentOSService
from agentos.webhooks import mapping
from agentos.webhooks.mapping import Wish
from agentos.webhooks.models import EVENT_LIMIT, WebhookEndpoint, WebhookEvent, WebhookSession

CLOSED = "The endpoint's service identity may not use this agent. Add it to a team or a plan that has the agent."
SENTENCE_LIMIT = 500  # characters


@dataclass(frozen=True, slots=True)
class Outcome:
    status: WebhookEvent.Status
    sentence: str
    session: ChatSession | None = None
    run: Run | None = None


def perform(endpoint: WebhookEndpoint, event: WebhookEvent, body: bytes) -> Problem | None:
    """Do what ``event`` says, in the caller's transaction, and keep on it what came of it. Returns why nothing was done, if so."""
    problem = None
    try:
        with transaction.atomic():
            payload = parse(body)
            event.event = _name(endpoint, payload)
            outcome = _do(endpoint, event, mapping.read(endpoint, payload))
    except Problem as refused:
        problem = refused
    except AgentClosed as refused:
        problem = Problem(refused.status, CLOSED, code="refused")
    except Refusal as refused:
        problem = Problem(refused.status, refused.sentence, code="refused", headers=refused.headers)
    if problem:
        outcome = Outcome(WebhookEvent.Status.REFUSED, problem.sentence)
    event.status, event.outcome = outcome.status, shorten(outcome.sentence, SENTENCE_LIMIT)
    event.session, event.run = outcome.session, outcome.run
    event.save()
    return problem


def _name(endpoint: WebhookEndpoint, payload: object) -> str:
    """The event's name as far as there is one: the inbox shows refused events too."""
    try:
        return shorten(str(mapping.find(payload, endpoint.event_path)), EVENT_LIMIT)
    except Problem:
        return ""


def _do(endpoint: WebhookEndpoint, event: WebhookEvent, wish: Wish) -> Outcome:
    if wish.does == "message":
        return _message(endpoint, event, wish)
    if wish.does == "create":
        return _create(endpoint, wish.key or event.message_id)
    if wish.does == "stop":
        return _stop(endpoint, wish)
    return Outcome(WebhookEvent.Status.IGNORED, "No event that this endpoint does anything for. It was stored.")


def _message(endpoint: WebhookEndpoint, event: WebhookEvent, wish: Wish) -> Outcome:
    key = wish.key or event.message_id
    session = _session(endpoint, key) or _open(endpoint, key)
    run = AgentOSService(endpoint.identity).send_message(
        wish.message, session_id=session.session_id, idempotency_key=f"webhook-event:{event.pk}"
    )
    return Outcome(WebhookEvent.Status.ACCEPTED, "A run was started.", session, run)


def _stop(endpoint: WebhookEndpoint, wish: Wish) -> Outcome:
    known = known_session(endpoint, wish.key)
    if known is None:
        return Outcome(WebhookEvent.Status.IGNORED, "There is no session of this key, so nothing was stopped.")
    runs = list(visible_runs(known.session).filter(status__in=Run.OPEN))
    stopped = [run for run in runs if chat.stop_run(run=run, by=endpoint.identity)]
    if not stopped:
        return Outcome(WebhookEvent.Status.IGNORED, "No run was open in this session.", known.session)
    sentence = "The run was stopped." if len(stopped) == 1 else f"{len(stopped)} runs were stopped."
    return Outcome(WebhookEvent.Status.ACCEPTED, sentence, known.session, stopped[0])


def _create(endpoint: WebhookEndpoint, key: str) -> Outcome:
    if session := _session(endpoint, key):
        return Outcome(WebhookEvent.Status.ACCEPTED, "The session was there already.", session)
    limits.check_creation(endpoint.identity)
    return Outcome(WebhookEvent.Status.ACCEPTED, "A session was opened.", _open(endpoint, key))


def _session(endpoint: WebhookEndpoint, key: str) -> ChatSession | None:
    """The session of this key, unless it was deleted, or the endpoint has another agent now."""
    known = known_session(endpoint, key)
    return known.session if known and known.session.agent_id == endpoint.agent_id else None


def _open(endpoint: WebhookEndpoint, key: str) -> ChatSession:
    session = chat.create_session(agent=endpoint.agent, by=endpoint.identity, title=shorten(key, TITLE_LIMIT))
    WebhookSession.objects.update_or_create(endpoint=endpoint, key=key, defaults={"session": session})
    return session


def known_session(endpoint: WebhookEndpoint, key: str) -> WebhookSession | None:
    known = WebhookSession.objects.filter(endpoint=endpoint, key=key, session__deleted_at__isnull=True)
    return known.select_related("session__agent").first()
