"""A sender of events, as the package of Standard Webhooks is one."""

import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.urls import reverse
from standardwebhooks import Webhook

from agentos.core import clock
from agentos.webhooks.inbound.models import WebhookEndpoint
from tests.factories import WebhookEndpointFactory

SECRET: str = WebhookEndpointFactory._meta.declarations["secret"]


def message(text: str = "Hello", thread: str = "ticket-7", **more: Any) -> dict[str, Any]:
    return {"event": "message_received", "data": {"text": text, "thread": thread}, **more}


def url_of(endpoint: WebhookEndpoint) -> str:
    return reverse("webhooks:receive", args=[endpoint.endpoint_id])


def headers_of(body: str, *, message_id: str = "msg_1", secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    moment = at or clock.now()
    signature = Webhook(secret).sign(message_id, moment.astimezone(UTC), body)
    return {"webhook-id": message_id, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}


def send(endpoint: WebhookEndpoint, payload: Any, *, client: Client | None = None, **signing: Any) -> Any:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    headers = headers_of(body, **signing)
    return (client or Client()).post(url_of(endpoint), body.encode(), content_type="application/json", headers=headers)
