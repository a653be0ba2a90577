"""Runs: start, find, stop, retry, continue, answer, follow, judge."""

from typing import Any, Literal

from django.http import HttpResponse
from pydantic import BaseModel

from agentos.agents.runtime import Answer
from agentos.api import resources
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, START
from agentos.api.parameters import Cursor, IdempotencyKey, Limit, OtherEffort, OtherModel, RunId, SessionId
from agentos.api.scopes import ScopedRouter
from agentos.api.serializers import full_run, full_runs
from agentos.chat.live.parts import fold, text_of
from agentos.chat.models import Feedback, Run
from agentos.service import AgentOSService

VALUES = {"good": Feedback.Value.GOOD, "bad": Feedback.Value.BAD}

router = ScopedRouter(tags=["Runs"])


@router.get(
    "/sessions/{session_id}/runs/",
    url_name="runs",
    operation_id="runs",
    response={200: resources.RunList, **FIND},
    summary="Runs of a session",
)
def runs(request: ApiRequest, session_id: SessionId, cursor: Cursor = "", limit: Limit = 50) -> resources.RunList:
    """The turns of a session as they are shown, newest first: of several versions the one that is shown."""
    service = AgentOSService(request.auth)
    session = service.find_session(session_id)
    found = service.list_runs(session_id, before=min(int(cursor), resources.TURN_LIMIT) if cursor else None, limit=limit)
    older = str(found.older) if found.older is not None else None
    return resources.RunList(runs=full_runs(list(reversed(found.runs)), session), next=older)


@router.post(
    "/sessions/{session_id}/runs/",
    url_name="runs",
    operation_id="start_run",
    response={201: resources.FullRun, **START},
    summary="Send a message without waiting",
)
def start_run(request: ApiRequest, session_id: SessionId, payload: resources.RunIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """The message is stored and its run is queued, behind the session's other runs. Follow its events, or look at it now and then."""
    service = AgentOSService(request.auth)
    how: dict[str, Any] = {"model": payload.model, "effort": payload.effort, "files": payload.files}
    run = service.send_message(payload.message, session_id=session_id, context=payload.context, idempotency_key=idempotency_key, **how)
    return created(run)


@router.get("/runs/{run_id}/", url_name="run", operation_id="run", response={200: resources.FullRun, **FIND}, summary="One run")
def run(request: ApiRequest, run_id: RunId) -> resources.FullRun:
    """As it is now, with what was said so far."""
    found, lines = AgentOSService(request.auth).get_run_with_journal(run_id)
    if not found.is_active:
        return shown(found)
    parts = fold((line.kind, line.data) for line in lines)
    return full_run(found, found.session, parts=parts, answer=text_of(parts))


@router.post(
    "/runs/{run_id}/stop/", url_name="stop_run", operation_id="stop_run", response={200: resources.FullRun, **FIND}, summary="Stop a run"
)
def stop_run(request: ApiRequest, run_id: RunId) -> resources.FullRun:
    """What was said so far is kept. A run that waits in the queue is withdrawn; one that has ended stays as it is."""
    return shown(AgentOSService(request.auth).stop_run(run_id))


@router.post(
    "/runs/{run_id}/retry/",
    url_name="retry_run",
    operation_id="retry_run",
    response={201: resources.FullRun, **START},
    summary="Have the last message answered again",
)
def retry_run(
    request: ApiRequest, run_id: RunId, model: OtherModel = "", effort: OtherEffort = None, idempotency_key: IdempotencyKey = ""
) -> HttpResponse:
    """Makes another version of the answer, which is shown in its place. Only the last run of a session, once it has ended."""
    how: dict[str, Any] = {"model": model or None, "effort": effort}
    return created(AgentOSService(request.auth).retry_run(run_id, **how, idempotency_key=idempotency_key))


@router.post(
    "/runs/{run_id}/continue/",
    url_name="continue_run",
    operation_id="continue_run",
    response={201: resources.FullRun, **START},
    summary="Go on where an answer broke off",
)
def continue_run(request: ApiRequest, run_id: RunId, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """For the last run of a session that failed, was stopped or was interrupted. A new run goes on with it, in a turn of its own."""
    return created(AgentOSService(request.auth).continue_run(run_id, idempotency_key=idempotency_key))


@router.post(
    "/runs/{run_id}/edit/",
    url_name="edit_message",
    operation_id="edit_message",
    response={201: resources.FullRun, **START},
    summary="Say a message differently",
)
def edit_message(request: ApiRequest, run_id: RunId, payload: resources.EditIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """Makes another version of the message, which is answered in the same session. The first one stays, with all that came after it."""
    return created(AgentOSService(request.auth).edit_message(run_id, payload.message, idempotency_key=idempotency_key))


@router.get(
    "/runs/{run_id}/versions/",
    url_name="run_versions",
    operation_id="run_versions",
    response={200: resources.VersionList, **FIND},
    summary="Versions of a turn",
)
def run_versions(request: ApiRequest, run_id: RunId) -> resources.VersionList:
    """What edits of its message and retries of its answers have made, in that order."""
    service = AgentOSService(request.auth)
    session = service.get_run(run_id).session
    return resources.VersionList(runs=full_runs(service.list_versions(run_id), session))


@router.post(
    "/runs/{run_id}/choose/",
    url_name="choose_run",
    operation_id="choose_run",
    response={200: resources.FullRun, **CHANGE},
    summary="Show this version of a turn",
)
def choose_run(request: ApiRequest, run_id: RunId) -> resources.FullRun:
    """The session shows it, and what came after it; the next message goes on from there. Not while an answer is being written (409)."""
    return shown(AgentOSService(request.auth).choose_run(run_id))


@router.post(
    "/runs/{run_id}/answer/",
    url_name="answer_run",
    operation_id="answer_run",
    response={200: resources.FullRun, **START},
    summary="Approve, refuse, or fill in what a run asks for",
)
def answer_run(request: ApiRequest, run_id: RunId, payload: resources.AnswersIn, idempotency_key: IdempotencyKey = "") -> resources.FullRun:
    """Of a run that is `waiting`: one answer for each of its `requirements`. Then it goes on."""
    answers = [Answer(**answer.model_dump()) for answer in payload.answers]
    return shown(AgentOSService(request.auth).answer_run(run_id, answers, idempotency_key=idempotency_key))


@router.put(
    "/runs/{run_id}/feedback/",
    url_name="feedback",
    operation_id="give_feedback",
    response={200: resources.Judgement, **CHANGE},
    summary="Judge an answer",
    tags=["Feedback"],
)
def give_feedback(request: ApiRequest, run_id: RunId, payload: resources.JudgementIn) -> resources.Judgement:
    """In place of what you thought of it before. Operators see it."""
    judged = AgentOSService(request.auth).give_feedback(run_id, VALUES[payload.value], payload.note)
    judgement = shown(judged).feedback
    assert judgement
    return judgement


@router.delete(
    "/runs/{run_id}/feedback/",
    url_name="feedback",
    operation_id="take_back_feedback",
    response={204: None, **CHANGE},
    summary="Take a judgement back",
    tags=["Feedback"],
)
def take_back_feedback(request: ApiRequest, run_id: RunId) -> HttpResponse:
    AgentOSService(request.auth).give_feedback(run_id, None)
    return HttpResponse(status=204, content_type="application/json")


def shown(run: Run) -> resources.FullRun:
    return full_run(run, run.session)


def created(run: Run, status: Literal[201, 202] = 201, body: BaseModel | None = None) -> HttpResponse:
    content: Any = body or shown(run)
    return HttpResponse(
        content.model_dump_json(), status=status, content_type="application/json; charset=utf-8", headers={"Location": content.url}
    )
