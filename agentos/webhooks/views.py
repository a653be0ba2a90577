"""The address that other systems post their events to. No cookie counts here, so there is nothing to forge."""

import ipaddress
import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentos.core.errors import Problem
from agentos.core.strict_json import read_json
from agentos.webhooks import actions

EVENT_LIMIT = 100  # characters
DATA_LIMIT = 64_000  # characters of JSON


@csrf_exempt
@no_append_slash
@require_POST
def agentos_webhook(request: HttpRequest) -> HttpResponse:
    address = source_address(request)
    try:
        actions.check_rate(address)  # before the work of reading; it is asked again when the event is stored
        event, data = parse_event(read_json(request))
        actions.receive_event(event=event, data=data, source_address=address)
    except Problem as problem:
        return problem.answer(request)
    return JsonResponse({"status": "success"})


agentos_webhook.guard = "public"  # type: ignore[attr-defined]


def parse_event(body: Any) -> tuple[str, dict[str, Any]]:
    """Return an event's name and data. Raises ``Problem`` 422."""
    if not isinstance(body, dict):
        raise Problem(422, "The body must be a JSON object.")
    if "event" not in body:
        raise Problem(422, "Missing fields: event.", code="missing_fields")
    event, data = body["event"], body.get("data", {})
    if not isinstance(event, str) or not 0 < len(event.strip()) <= EVENT_LIMIT:
        raise Problem(422, f"event: Must be text of 1 to {EVENT_LIMIT} characters.")
    if not isinstance(data, dict):
        raise Problem(422, "data: Must be an object.")
    if (size := len(json.dumps(data, ensure_ascii=False))) > DATA_LIMIT:
        raise Problem(422, f"data: May have {DATA_LIMIT:,} characters of JSON; this has {size:,}.")
    return event.strip(), data


def source_address(request: HttpRequest) -> str | None:
    """Return the address that the server saw; headers that anybody can write are not asked."""
    try:
        return str(ipaddress.ip_address(str(request.META.get("REMOTE_ADDR")).partition("%")[0]))
    except ValueError:
        return None  # a Unix socket
