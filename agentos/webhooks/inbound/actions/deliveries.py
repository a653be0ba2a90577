"""What comes to an endpoint: proven, stored once, and done. Everything about one endpoint happens one after another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.ids import new_id
from agentos.core.security.secrets import Unreadable
from agentos.core.security.signatures import Signed, Unverified, new_secret, verify
from agentos.core.text import clean
from agentos.webhooks.inbound.actions.handlers import perform
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent

KEPT_FOR = timedelta(days=30)  # signed events; a sender gives up long before
HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature")
HEADER_LIMIT = 500  # characters
NOBODY = new_secret()  # what a message to no endpoint is compared with, so that it takes as long


@dataclass(frozen=True, slots=True)
class Delivery:
    """``problem``: why nothing was done. ``is_repeated``: the same message had been done before."""

    event: WebhookEvent
    problem: Problem | None = None
    is_repeated: bool = False


def check_signature(*, endpoint_id: str, headers: Mapping[str, str], body: bytes) -> tuple[WebhookEndpoint, Signed]:
    """Return the endpoint and what is proven. Raises ``Problem`` 401, the same for every reason: only operators see which."""
    endpoint = WebhookEndpoint.objects.filter(endpoint_id=endpoint_id, is_active=True).first()
    now = clock.now()
    try:
        signed = verify(endpoint.secrets(now) if endpoint else [NOBODY], headers, body, now=now)
        if endpoint:
            return endpoint, signed
    except (Unverified, Unreadable) as reason:
        if endpoint:
            _note_rejection(endpoint, str(reason), now)
    raise _unsigned()


def _unsigned() -> Problem:
    return Problem(401, _("The signature is missing or not valid."), code="invalid_signature")


def _note_rejection(endpoint: WebhookEndpoint, because: str, now: datetime) -> None:
    rejected = {"rejected": F("rejected") + 1, "rejected_at": now, "rejected_because": because}
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**rejected)


def receive_delivery(
    *, endpoint: WebhookEndpoint, signed: Signed, headers: Mapping[str, str], body: bytes, source_address: str | None
) -> Delivery:
    """Store a proven message and do what it says, once. One that was refused has done nothing: its next delivery is tried again.

    Raises ``Problem`` 401 when the endpoint was deleted since it was proven.
    """
    given = {name.lower(): value[:HEADER_LIMIT] for name, value in headers.items() if name.lower() in HEADERS}
    came = {
        "headers": {name: clean(value) for name, value in given.items()},
        "body": clean(body.decode("utf-8", "replace")),
        "source_address": source_address,
        "is_verified": True,
        "received_at": clock.now(),
    }
    with transaction.atomic():
        if (locked := _lock(endpoint)) is None:
            raise _unsigned()
        endpoint = locked
        event, is_new = WebhookEvent.objects.get_or_create(
            endpoint=endpoint, message_id=signed.message_id, defaults={**came, "status": WebhookEvent.Status.REFUSED}
        )
        if event.status != WebhookEvent.Status.REFUSED:
            return Delivery(event, is_repeated=True)
        if not is_new:
            for name, value in came.items():
                setattr(event, name, value)
        problem = perform(endpoint, event, body)
        WebhookEvent.objects.filter(endpoint=endpoint, received_at__lt=clock.now() - KEPT_FOR).delete()
    return Delivery(event, problem)


def replay_event(*, event: WebhookEvent, by: User) -> Delivery:
    """Do a signed event again, under an id of its own. Raises ``Problem`` 409, 404 when it was deleted meanwhile."""
    if event.endpoint is None or not event.is_verified:
        raise Problem(409, _("Only a signed event can be replayed: nobody knows who sent this one."))
    with transaction.atomic():
        endpoint = _lock(event.endpoint)
        if endpoint is None:
            raise Problem(404, _("The endpoint has been deleted, and its events with it."))
        if not endpoint.is_active:
            raise Problem(409, _("The endpoint is switched off. Switch it on to replay its events."))
        again = WebhookEvent.objects.create(
            endpoint=endpoint,
            message_id=new_id("replay"),
            event=event.event,
            headers=event.headers,
            body=event.body,
            is_verified=True,
            status=WebhookEvent.Status.REFUSED,
            replay_of=event,
        )
        problem = perform(endpoint, again, again.body.encode())
        about = {"replay_of": event.pk, "endpoint": endpoint.endpoint_id, "status": again.status}
        record("webhooks.event.replayed", by=by, object_type="webhook_event", object_id=str(again.pk), **about)
    return Delivery(again, problem)


def _lock(endpoint: WebhookEndpoint) -> WebhookEndpoint | None:
    locked = WebhookEndpoint.objects.select_for_update(of=("self",)).select_related("agent", "identity")
    return locked.filter(pk=endpoint.pk).first()
