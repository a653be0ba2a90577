"""The addresses that other systems post their events to. No cookie counts here, so there is nothing to forge."""

import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentos.core.http.errors import Problem
from agentos.core.http.request import client_address, client_network
from agentos.core.http.strict_json import read_json
from agentos.core.ratelimit import limits
from agentos.webhooks.inbound import actions
from agentos.webhooks.inbound.actions import Delivery
from agentos.webhooks.inbound.models import EVENT_LIMIT

DATA_LIMIT = 64_000  # characters of JSON
SIGNED_RATE = 600  # requests to endpoints in a minute from one address


@csrf_exempt
@no_append_slash
@require_POST
def agentos_webhook(request: HttpRequest) -> HttpResponse:
    address = client_address(request) or None  # none of a Unix socket
    try:
        actions.check_rate(client_network(request))  # before the work of reading; it is asked again when the event is stored
        event, data = parse_event(read_json(request))
        actions.receive_event(event=event, data=data, source_address=address)
    except Problem as problem:
        return problem.answer(request)
    return JsonResponse({"status": "success"})


@csrf_exempt
@no_append_slash
@require_POST
def receive(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """A signed event. The signature is proven over the raw body, before anything reads it."""
    try:
        limits.check("webhook", client_network(request), limit=SIGNED_RATE, seconds=60)
        body = raw_body(request)
        endpoint, signed = actions.check_signature(endpoint_id=endpoint_id, headers=request.headers, body=body)
        delivery = actions.receive_delivery(
            endpoint=endpoint, signed=signed, headers=request.headers, body=body, source_address=client_address(request) or None
        )
    except Problem as problem:
        return problem.answer(request)
    return delivery.problem.answer(request) if delivery.problem else answer(delivery)


agentos_webhook.guard = receive.guard = "public"  # type: ignore[attr-defined]


def raw_body(request: HttpRequest) -> bytes:
    """Raises ``Problem`` 413 above the limit of the settings, 400 for a body that broke off."""
    try:
        return request.body
    except RequestDataTooBig:
        raise Problem(413) from None
    except UnreadablePostError:
        raise Problem(400) from None


def answer(delivery: Delivery) -> JsonResponse:
    event = delivery.event
    return JsonResponse(
        {
            "status": "success",
            "outcome": event.status,
            "detail": event.outcome,
            "session_id": event.session.session_id if event.session else None,
            "run_id": event.run.run_id if event.run else None,
            "repeated": delivery.is_repeated,
        }
    )


def parse_event(body: Any) -> tuple[str, dict[str, Any]]:
    """Return an event's name and data. Raises ``Problem`` 422."""
    if not isinstance(body, dict):
        raise Problem(422, _("The body must be a JSON object."))
    if "event" not in body:
        raise Problem(422, _("Missing fields: event."), code="missing_fields")
    event, data = body["event"], body.get("data", {})
    if not isinstance(event, str) or not 0 < len(event.strip()) <= EVENT_LIMIT:
        raise Problem(422, _("event: Must be text of 1 to %(limit)s characters.") % {"limit": EVENT_LIMIT})
    if not isinstance(data, dict):
        raise Problem(422, _("data: Must be an object."))
    if (size := len(json.dumps(data, ensure_ascii=False))) > DATA_LIMIT:
        raise Problem(
            422, _("data: May have %(limit)s characters of JSON; this has %(size)s.") % {"limit": f"{DATA_LIMIT:,}", "size": f"{size:,}"}
        )
    return event.strip(), data
