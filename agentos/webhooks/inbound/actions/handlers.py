"""Handles a verified event through `AgentOSService`, with the rights, limits and audit of the endpoint's service identity."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy

from agentos.chat import actions as chat
from agentos.chat import limits
from agentos.chat.errors import AgentClosed, ChatError
from agentos.chat.models import TITLE_LIMIT, ChatSession, Run
from agentos.chat.queries import visible_runs
from agentos.core.http.errors import Problem
from agentos.core.http.strict_json import parse
from agentos.core.text import shorten
from agentos.service import AgentOSService
from agentos.webhooks.inbound import mapping
from agentos.webhooks.inbound.mapping import Command
from agentos.webhooks.inbound.models import EVENT_LIMIT, WebhookEndpoint, WebhookEvent, WebhookSession

CLOSED = gettext_lazy("The endpoint's service identity may not use this agent. Add it to a team or a plan that has the agent.")
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
    except AgentClosed as error:
        problem = Problem(error.status, str(CLOSED), code="refused")
    except ChatError as error:
        problem = Problem(error.status, error.sentence, code="refused", headers=error.headers)
    except Problem as error:
        problem = error
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


def _do(endpoint: WebhookEndpoint, event: WebhookEvent, command: Command) -> Outcome:
    if command.action == "message":
        return _message(endpoint, event, command)
    if command.action == "create":
        return _create(endpoint, command.key or event.message_id)
    if command.action == "stop":
        return _stop(endpoint, command)
    return Outcome(WebhookEvent.Status.IGNORED, "This endpoint does nothing with this event. It was stored.")


def _message(endpoint: WebhookEndpoint, event: WebhookEvent, command: Command) -> Outcome:
    key = command.key or event.message_id
    session = _session(endpoint, key) or _open(endpoint, key)
    run = AgentOSService(endpoint.identity).send_message(
        command.message, session_id=session.session_id, idempotency_key=f"webhook-event:{event.pk}"
    )
    return Outcome(WebhookEvent.Status.ACCEPTED, "A run was started.", session, run)


def _stop(endpoint: WebhookEndpoint, command: Command) -> Outcome:
    known = known_session(endpoint, command.key)
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
