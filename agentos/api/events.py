"""The events of a run, as a stream."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Header

from agentos.access.users import User
from agentos.api.auth import ApiRequest, caller_of
from agentos.api.errors import FIND
from agentos.api.parameters import RunId
from agentos.api.resources import Started
from agentos.api.run_stream import Place, RunStream, place_of
from agentos.api.scopes import ScopedRouter
from agentos.chat.models import Run
from agentos.chat.registry import OpenStream, TooManyStreams, registry
from agentos.core.http import sse
from agentos.core.http.errors import Problem
from agentos.service import AgentOSService

RETRY_AFTER = 30  # seconds, for a user with too many streams

LastEventId = Annotated[
    str,
    Header(
        "",
        alias="Last-Event-ID",
        max_length=100,
        description="The last `id` that you were sent. You are told what came after it; for one that cannot be known any more, the "
        "whole state, as `snapshot`.",
    ),
]
STREAM_EXAMPLE = """\
: connected
retry: 1000

id: 1
event: text
data: {"text":"It is"}

id: 2
event: text
data: {"text":" 42."}

id: 3
event: completed
data: {"id":"run_7h2k5d9s0a3f6g8j1l4z","status":"completed","answer":"It is 42."}

"""
EVENT_NAMES = (
    *("run", "text", "reasoning", "rethought", "tool_started", "tool_finished", "tool_failed"),
    *("delegated", "delegation_ended", "waiting", "snapshot"),
    *("completed", "failed", "stopped", "interrupted", "closed", "restart"),
)
EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event of the stream.",
    "properties": {
        "id": {"type": "string", "description": "To come back with, as Last-Event-ID."},
        "event": {"enum": list(EVENT_NAMES)},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
IS_STREAM: dict[str, Any] = {"responses": {200: {"content": {"text/event-stream": {"schema": EVENT, "example": STREAM_EXAMPLE}}}}}

router = ScopedRouter(tags=["Runs"])


@router.get(
    "/runs/{run_id}/events/",
    url_name="run_events",
    operation_id="run_events",
    response={200: None, 204: None, **FIND},
    summary="Follow a run",
    openapi_extra=IS_STREAM,
)
def run_events(request: ApiRequest, run_id: RunId, last_event_id: LastEventId = "") -> HttpResponseBase:
    """A stream of server-sent events, each with the `id` to come back with. A stream ends after the run's end; 204 says that you have
    been told all of it. A comment comes every 15 seconds when nothing else does. You can have 10 streams at once.

    | event | data |
    |---|---|
    | `text`, `reasoning` | `text`: what was added |
    | `rethought` | the `text` that you were told last was reasoning |
    | `tool_started` | `call_id`, `name`, `args` |
    | `tool_finished` | `call_id`, `name`, `result`, `seconds`, and `shown` where people are shown something beside the result |
    | `tool_failed` | `call_id`, `name`, `error`, `seconds` |
    | `delegated` | `call_id`, `by`, `name`, `task`: a member of a team begins, or goes on after an answer |
    | `delegation_ended` | `call_id`, `seconds`, `error` |
    | `waiting` | `requirements`: what a person has to answer. The stream stays open. |
    | `snapshot` | the run with all that was said so far; it replaces what you have |
    | `completed`, `failed`, `stopped`, `interrupted` | the run. It has ended. |
    | `closed` | `error`, `code`: the chat was deleted, or you may not hear the answer any more |
    | `restart` | the server cannot go on now: come back with the last `id` |

    What a member of a team says and does has `within`, the `call_id` of its delegation, and `by`, its agent's id.
    """
    run, lines = AgentOSService(request.auth).get_run_with_journal(run_id)
    place = place_of(run, lines, last_event_id)
    if place is None:
        return HttpResponse(status=204, content_type="application/json")
    return follow(run, place, open_stream(request, request.auth, run.session.agent_id), by=request.auth)


def follow(run: Run, place: Place, opened: OpenStream, *, by: User, greeting: Started | None = None) -> sse.EventStream:
    try:
        return sse.EventStream(RunStream(by, run, place, opened, greeting).frames())
    except BaseException:
        registry.close(opened)
        raise


def open_stream(request: HttpRequest, user: User, agent_pk: int | None = None) -> OpenStream:
    """Count one more stream of this user, and watch over whoever opened it. Raises ``Problem`` 429."""
    caller = caller_of(request, user, agent_pk)
    try:
        return registry.open(user, caller.session_key, agent_pk, caller.token_pk)
    except TooManyStreams:
        raise Problem(429, "Too many streams are open. Close one first.", headers={"Retry-After": str(RETRY_AFTER)}) from None
