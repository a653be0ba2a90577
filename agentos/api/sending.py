"""Sending a message: waiting for the whole answer, following it, or leaving it to itself. The run belongs to the server: a caller
that goes away changes nothing."""

from functools import partial
from http import HTTPStatus

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from agentos.agents import failures
from agentos.api.auth import ApiRequest, caller_of
from agentos.api.errors import missing
from agentos.api.events import follow, open_stream
from agentos.api.run_stream import Place
from agentos.api.runs import created
from agentos.api.schemas import MessageIn, Sent
from agentos.api.serializers import started
from agentos.chat.callers import LOST_RIGHTS, Caller, Watch
from agentos.chat.errors import TRY_AGAIN
from agentos.chat.models import Run
from agentos.chat.registry import registry
from agentos.chat.runs.waiting import ended
from agentos.conf import app_settings
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.service import AgentOSService, SessionNotFound

MARGIN = 15.0  # seconds beyond a run's own limit: its end is written, and the next watch looks
UNAVAILABLE_CODES = frozenset({"agent_unavailable", "model_unreachable", "model_busy", "files_away"})


def send(request: ApiRequest, message: MessageIn, idempotency_key: str) -> HttpResponseBase:
    """Return the answer once it is finished, or the stream of it, or where it will be.

    Raises what ``AgentOSService.send_message`` raises.
    """
    if not message.background and wants_stream(request):
        return _followed(request, message, idempotency_key)
    run = _store(request, message, idempotency_key)
    if message.background:
        return created(run, 202, started(run))
    return deferred(request, partial(_finished, run, caller_of(request, request.auth, run.session.agent_id)))


async def _finished(run: Run, caller: Caller) -> HttpResponse:
    """Raises ``Problem`` for every end but a good one."""
    try:
        run = await ended(run, app_settings.RUN_TIMEOUT + MARGIN, Watch(caller)) or run
    except Run.DoesNotExist:  # its owner was erased in the meantime
        raise SessionNotFound from None
    if run.status != Run.Status.COMPLETED or not run.finished_at:
        raise _problem_of(run)
    sent = Sent(
        success=True,
        response=run.answer,
        session_id=run.session.session_id,
        agent_id=run.session.agent.agent_id,
        timestamp=run.finished_at,
    )
    return HttpResponse(sent.model_dump_json(), content_type="application/json; charset=utf-8")


def wants_stream(request: ApiRequest) -> bool:
    return request.get_preferred_type(["application/json", "text/event-stream"]) == "text/event-stream"


def _followed(request: ApiRequest, message: MessageIn, idempotency_key: str) -> HttpResponseBase:
    """Nothing is stored when there may be no further stream."""
    opened = open_stream(request, request.auth)
    try:
        run = _store(request, message, idempotency_key)
    except BaseException:
        registry.close(opened)
        raise
    where = started(run)
    opened.agent_pk = run.session.agent_id
    response = follow(run, Place(), opened, by=request.auth, greeting=where)
    response.headers["Location"] = where.url
    response.headers["X-Session-ID"] = where.session_id
    return response


def _store(request: ApiRequest, message: MessageIn, idempotency_key: str) -> Run:
    if not message.agent_id and not message.session_id:
        raise missing(["agent_id"])
    return AgentOSService(request.auth).send_message(
        message.message,
        agent_id=message.agent_id or "",
        session_id=message.session_id or "",
        context=message.context,
        idempotency_key=idempotency_key,
        wants_answer=not message.background,
        model=message.model,
        effort=message.effort,
        files=message.files,
    )


def _problem_of(run: Run) -> Problem:
    """Say how a run ended that did not complete. Its session is named, since the message is saved there."""
    status, sentence, code = _end_of(run)
    headers = {"X-Session-ID": run.session.session_id}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers |= TRY_AGAIN
    return Problem(status, sentence, code=code, headers=headers)


def _end_of(run: Run) -> tuple[int, str, str]:
    place = f"session {run.session.session_id}"
    if run.status == Run.Status.FAILED:
        return (503 if run.error_code in UNAVAILABLE_CODES else 502), failures.sentence(run.error_code), run.error_code
    if run.status == Run.Status.INTERRUPTED:
        return 503, failures.sentence("interrupted"), "interrupted"
    if run.status == Run.Status.STOPPED and run.error_code in LOST_RIGHTS:
        status, code = LOST_RIGHTS[run.error_code]
        return status, failures.sentence(run.error_code), code
    if run.status == Run.Status.STOPPED:
        return 409, f"The answer was stopped. What was said so far is kept in {place}.", "stopped"
    if run.status == Run.Status.WAITING:
        return 409, f"The agent waits for a person's approval. Open {place} to decide.", "waiting_for_approval"
    return 504, f"The answer is not finished yet. Your message is saved; the answer will appear in {place}.", "not_finished"
