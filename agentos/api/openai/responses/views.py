"""The endpoints of Responses. Each parses, asks the service or starts a run, answers."""

import json
from typing import Any

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from ninja import Router

from agentos.access.users import User
from agentos.api.auth import ApiRequest
from agentos.api.openai.auth import Key
from agentos.api.openai.completion import answering, complete
from agentos.api.openai.errors import BadField
from agentos.api.openai.responses import schemas
from agentos.api.openai.responses.parsing import find, read
from agentos.api.openai.responses.serializers import EventWriter, Items, items_of, key_of, response_of
from agentos.api.openai.responses.starting import begin
from agentos.api.openai.serializers import site_of
from agentos.api.openai.streaming import stream
from agentos.api.openai.views import READ_ERRORS, SEND_ERRORS, IdempotencyKey, SessionHeader
from agentos.chat.callers import Caller
from agentos.chat.files import of_message
from agentos.chat.models import Run
from agentos.core import db
from agentos.service import AgentOSService

EVENTS = {
    "type": "object",
    "required": ["data"],
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "description": "With `stream`. Each event's data is JSON with a `type`: `response.created`, `response.output_text.delta`, and so on. "
    "The last one is `response.completed` or `response.failed`, with the whole response.",
}
CHANGE_ERRORS = {**READ_ERRORS, 409: SEND_ERRORS[409]}

router = Router(tags=["Responses"])


@router.post(
    "/responses",
    auth=Key("runs:write"),
    url_name="responses",
    operation_id="openai_responses",
    response={200: schemas.Response, **SEND_ERRORS},
    summary="Ask an agent, and go on from its answer",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": EVENTS}}}}},
)
def responses(
    request: ApiRequest, payload: schemas.ResponseIn, session_header: SessionHeader = "", idempotency_key: IdempotencyKey = ""
) -> HttpResponseBase:
    """Answers as a whole, with `"stream": true` as events, or with `"background": true` at once.

    The response is a turn of a chat, which shows in the browser; `previous_response_id` goes on from it, in the same chat or, where that
    has gone on already, in a fork of it. With `"store": false` nothing of it is kept.
    """
    user = request.auth
    wanted = read(payload, user, session_header)
    site = site_of(request)

    async def answer(run: Run, caller: Caller) -> HttpResponseBase:
        if wanted.background:
            return JsonResponse(await db.read(_shown, user, run, site))
        if wanted.asked.stream:
            return await stream(run, EventWriter(run, site), caller, user)
        written = lambda run: json.dumps(response_of(run, items_of(run, site=site)), ensure_ascii=False)  # noqa: E731
        return await complete(run, caller, user, written)

    return answering(request, user, wanted.asked.files, lambda kept: begin(user, wanted.having(kept), idempotency_key), answer)


@router.get(
    "/responses/{str:response_id}",
    auth=Key("sessions:read"),
    url_name="response",
    operation_id="openai_response",
    response={200: schemas.Response, **READ_ERRORS},
    summary="A stored response",
)
def response(request: ApiRequest, response_id: str, stream: bool | None = None) -> HttpResponseBase:  # noqa: FBT001 - of the query
    """As it is now, with what was said so far."""
    run = _found(request.auth, response_id)
    if stream:
        raise BadField("stream", "A stored response is not streamed again: ask for it without stream.", code="unsupported_parameter")
    return JsonResponse(_shown(request.auth, run, site_of(request)))


@router.delete(
    "/responses/{str:response_id}",
    auth=Key("sessions:write"),
    url_name="response",
    operation_id="openai_delete_response",
    response={200: schemas.Deleted, **CHANGE_ERRORS},
    summary="Erase a stored response",
)
def delete_response(request: ApiRequest, response_id: str) -> schemas.Deleted:
    """Its message and its answer are gone from the chat for good; an empty chat goes with them."""
    run = _found(request.auth, response_id)
    AgentOSService(request.auth).erase_run(run)
    return schemas.Deleted(id=response_id)


@router.post(
    "/responses/{str:response_id}/cancel",
    auth=Key("runs:write"),
    url_name="cancel_response",
    operation_id="openai_cancel_response",
    response={200: schemas.Response, **CHANGE_ERRORS},
    summary="Stop a response",
)
def cancel_response(request: ApiRequest, response_id: str) -> HttpResponseBase:
    """What was said so far is kept. One that has ended stays as it is."""
    run = _found(request.auth, response_id)
    return JsonResponse(_shown(request.auth, AgentOSService(request.auth).stop_run(run.run_id), site_of(request)))


@router.get(
    "/responses/{str:response_id}/input_items",
    auth=Key("sessions:read"),
    url_name="input_items",
    operation_id="openai_input_items",
    response={200: schemas.ItemList, **READ_ERRORS},
    summary="What a stored response answers",
)
def input_items(request: ApiRequest, response_id: str) -> schemas.ItemList:
    run = _found(request.auth, response_id)
    content: list[dict[str, Any]] = [{"type": "input_text", "text": run.input}] if run.input else []
    files = of_message(run)
    content += [{"type": "input_image" if file.is_picture else "input_file", "file_id": file.file_id} for file in files]
    item_id = f"msg_{key_of(run)}_in"
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
    return schemas.ItemList(data=[item], first_id=item_id, last_id=item_id)


def _found(user: User, response_id: str) -> Run:
    if run := find(user, response_id):
        return run
    raise BadField("response_id", f"There is no response {response_id[:80]} of yours.", code="response_not_found", status=404)


def _shown(user: User, run: Run, site: str) -> dict[str, Any]:
    found, parts = AgentOSService(user).get_run_so_far(run.run_id)
    items: Items = items_of(found, parts, site=site)
    return response_of(found, items)
