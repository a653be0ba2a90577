"""Runs: start, find, stop, retry, continue, answer, follow, judge."""

from typing import Any, Literal

from django.http import HttpResponse
from pydantic import BaseModel

from agentos.agents.runtime import Answer
from agentos.api import nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, START
from agentos.api.parameters import Cursor, IdempotencyKey, Limit, RunId, SessionId
from agentos.api.rendering import full_run
from agentos.api.scopes import ScopedRouter
from agentos.chat.models import Feedback, Run
from agentos.chat.parts import fold, text_of
from agentos.service import AgentOSService

VALUES = {"good": Feedback.Value.GOOD, "bad": Feedback.Value.BAD}

router = ScopedRouter(tags=["Runs"])


@router.get(
    "/sessions/{session_id}/runs/", url_name="runs", operation_id="runs", response={200: nouns.RunList, **FIND}, summary="Runs of a session"
)
def runs(request: ApiRequest, session_id: SessionId, cursor: Cursor = "", limit: Limit = 50) -> nouns.RunList:
    """The turns of a session as they are shown, newest first: what a retry has replaced is not among them."""
    service = AgentOSService(request.auth)
    session = service.find_session(session_id)
    found = service.list_runs(session_id, before=min(int(cursor), nouns.TURN_LIMIT) if cursor else None, limit=limit)
    older = str(found.older) if found.older is not None else None
    return nouns.RunList(runs=[full_run(run, session) for run in reversed(found.runs)], next=older)


@router.post(
    "/sessions/{session_id}/runs/",
    url_name="runs",
    operation_id="start_run",
    response={201: nouns.FullRun, **START},
    summary="Send a message without waiting",
)
def start_run(request: ApiRequest, session_id: SessionId, payload: nouns.RunIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """The message is stored and its run is queued, behind the session's other runs. Follow its events, or look at it now and then."""
    service = AgentOSService(request.auth)
    run = service.send_message(payload.message, session_id=session_id, context=payload.context, idempotency_key=idempotency_key)
    return created(run)


@router.get("/runs/{run_id}/", url_name="run", operation_id="run", response={200: nouns.FullRun, **FIND}, summary="One run")
def run(request: ApiRequest, run_id: RunId) -> nouns.FullRun:
    """As it is now, with what was said so far."""
    found, lines = AgentOSService(request.auth).get_run_with_journal(run_id)
    if not found.is_active:
        return shown(found)
    parts = fold((line.kind, line.data) for line in lines)
    return full_run(found, found.session, parts=parts, answer=text_of(parts))


@router.post(
    "/runs/{run_id}/stop/", url_name="stop_run", operation_id="stop_run", response={200: nouns.FullRun, **FIND}, summary="Stop a run"
)
def stop_run(request: ApiRequest, run_id: RunId) -> nouns.FullRun:
    """What was said so far is kept. A run that waits in the queue is withdrawn; one that has ended stays as it is."""
    return shown(AgentOSService(request.auth).stop_run(run_id))


@router.post(
    "/runs/{run_id}/retry/",
    url_name="retry_run",
    operation_id="retry_run",
    response={201: nouns.FullRun, **START},
    summary="Have the last message answered again",
)
def retry_run(request: ApiRequest, run_id: RunId, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """A new run takes this one's place. Only the last run of a session can be tried again, once it has ended."""
    return created(AgentOSService(request.auth).retry_run(run_id, idempotency_key=idempotency_key))


@router.post(
    "/runs/{run_id}/continue/",
    url_name="continue_run",
    operation_id="continue_run",
    response={201: nouns.FullRun, **START},
    summary="Go on where an answer broke off",
)
def continue_run(request: ApiRequest, run_id: RunId, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """For the last run of a session that failed, was stopped or was interrupted. A new run goes on with it, in a turn of its own."""
    return created(AgentOSService(request.auth).continue_run(run_id, idempotency_key=idempotency_key))


@router.post(
    "/runs/{run_id}/edit/",
    url_name="edit_message",
    operation_id="edit_message",
    response={201: nouns.FullRun, **START},
    summary="Say a message differently",
)
def edit_message(request: ApiRequest, run_id: RunId, payload: nouns.EditIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """Forks the session before this turn and sends the new message there. The original stays as it is."""
    return created(AgentOSService(request.auth).edit_message(run_id, payload.message, idempotency_key=idempotency_key))


@router.post(
    "/runs/{run_id}/answer/",
    url_name="answer_run",
    operation_id="answer_run",
    response={200: nouns.FullRun, **START},
    summary="Approve, refuse, or fill in what a run asks for",
)
def answer_run(request: ApiRequest, run_id: RunId, payload: nouns.AnswersIn, idempotency_key: IdempotencyKey = "") -> nouns.FullRun:
    """Of a run that is `waiting`: one answer for each of its `requirements`. Then it goes on."""
    answers = [Answer(answer.call_id, answer.confirmed, answer.note, answer.values) for answer in payload.answers]
    return shown(AgentOSService(request.auth).answer_run(run_id, answers, idempotency_key=idempotency_key))


@router.put(
    "/runs/{run_id}/feedback/",
    url_name="feedback",
    operation_id="give_feedback",
    response={200: nouns.Judgement, **CHANGE},
    summary="Judge an answer",
    tags=["Feedback"],
)
def give_feedback(request: ApiRequest, run_id: RunId, payload: nouns.JudgementIn) -> nouns.Judgement:
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


def shown(run: Run) -> nouns.FullRun:
    return full_run(run, run.session)


def created(run: Run, status: Literal[201, 202] = 201, body: BaseModel | None = None) -> HttpResponse:
    content: Any = body or shown(run)
    return HttpResponse(
        content.model_dump_json(), status=status, content_type="application/json; charset=utf-8", headers={"Location": content.url}
    )
