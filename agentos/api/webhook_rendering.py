"""A team's webhooks as the JSON of this API."""

import json
from typing import Any

from django.urls import reverse

from agentos.access.models import Team
from agentos.api import webhook_resources as nouns
from agentos.webhooks.outbound.models import Attempt, Delivery, Endpoint


def team_json(team: Team) -> nouns.Team:
    return nouns.Team(id=team.pk, name=team.name)


def webhook_json(endpoint: Endpoint) -> nouns.Webhook:
    """Of an endpoint that the queries gave."""
    return nouns.Webhook(**_webhook(endpoint))


def webhook_with(secret: str, endpoint: Endpoint) -> nouns.WebhookWithSecret:
    return nouns.WebhookWithSecret(**_webhook(endpoint), secret=secret)


def delivery_row(delivery: Delivery, endpoint: Endpoint) -> nouns.Delivery:
    """Of a delivery as the log has it, with what came of its last attempt."""
    return nouns.Delivery(**_delivery(delivery, endpoint, delivery.last_code, delivery.last_error))  # type: ignore[attr-defined]


def full_delivery(delivery: Delivery, endpoint: Endpoint, attempts: list[Attempt]) -> nouns.FullDelivery:
    code, error = (attempts[0].status_code, attempts[0].error) if attempts else (None, "")
    return nouns.FullDelivery(
        **_delivery(delivery, endpoint, code, error),
        message=json.loads(delivery.body),
        attempts=[_attempt(attempt) for attempt in attempts],
    )


def webhook_url(endpoint: Endpoint) -> str:
    return reverse("api:webhook", args=[endpoint.hook_id])


def _webhook(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.hook_id,
        "team": team_json(endpoint.team),
        "name": endpoint.name,
        "url": endpoint.url,
        "events": endpoint.events,
        "enabled": endpoint.is_enabled,
        "off_because": endpoint.off_because or None,
        "off_at": endpoint.off_at,
        "last_status": endpoint.last_status,  # type: ignore[attr-defined]
        "succeeded_at": endpoint.succeeded_at,
        "old_secret_until": endpoint.old_secret_until if endpoint.is_rotating else None,
        "created_at": endpoint.created_at,
    }


def _delivery(delivery: Delivery, endpoint: Endpoint, code: int | None, error: str | None) -> dict[str, Any]:
    return {
        "id": delivery.message_id,
        "webhook_id": endpoint.hook_id,
        "event": delivery.event,
        "status": delivery.status,
        "tries": delivery.tries,
        "next_try_at": delivery.due_at if delivery.status == Delivery.Status.PENDING else None,
        "status_code": code,
        "error": error or None,
        "created_at": delivery.created_at,
        "url": reverse("api:delivery", args=[endpoint.hook_id, delivery.message_id]),
    }


def _attempt(attempt: Attempt) -> nouns.Attempt:
    return nouns.Attempt(
        at=attempt.at,
        seconds=attempt.seconds,
        url=attempt.url,
        headers=attempt.headers,
        status_code=attempt.status_code,
        answer=attempt.answer,
        error=attempt.error or None,
    )
