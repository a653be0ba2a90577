"""Why our actions say no, as the answer of the gateway."""

import logging

from django.db import InterfaceError, OperationalError

from agentos.chat.models import Run
from agentos.chat.refusals import AgentClosed, AgentUnavailable, InvalidInput, KeyReused, QueueFull, QuotaReached, Refusal, TooMuch
from agentos.core.errors import RETRY_SECONDS, Problem
from agentos.service import AgentNotFound, RunNotFound, SessionNotFound

log = logging.getLogger(__name__)

MISSING: dict[type[Exception], str] = {AgentNotFound: "agent", SessionNotFound: "session", RunNotFound: "run", Run.DoesNotExist: "run"}

CODES: dict[type[Refusal], str] = {
    InvalidInput: "invalid_fields",
    KeyReused: "key_reused",
    AgentClosed: "agent_closed",
    AgentUnavailable: "agent_unavailable",
    QueueFull: "too_many_requests",
    TooMuch: "too_many_requests",
    QuotaReached: "quota_reached",
}
RETRY = {"Retry-After": "10"}


def no_such(what: str) -> Problem:
    return Problem(404, f"There is no such {what}, or it is not yours.", code=f"{what}_not_found")


def problem_of(reason: Exception) -> Problem:
    """Return what the caller is answered; of what broke they hear that it did, and the log hears the rest."""
    if isinstance(reason, Problem):
        return reason
    if isinstance(reason, Refusal):
        return _refused(reason)
    for kind, what in MISSING.items():
        if isinstance(reason, kind):
            return no_such(what)
    if isinstance(reason, OperationalError | InterfaceError):
        return Problem(503, headers={"Retry-After": str(RETRY_SECONDS)})
    log.error("A request to Agno's server broke.", exc_info=reason)
    return Problem(500)


def _refused(reason: Refusal) -> Problem:
    field = f"{reason.field}: " if isinstance(reason, InvalidInput) else ""
    usual = RETRY if reason.status in {429, 503} else {}
    headers = reason.headers if isinstance(reason, TooMuch) else usual
    return Problem(reason.status, f"{field}{reason.sentence}", code=CODES.get(type(reason), ""), headers=headers)
