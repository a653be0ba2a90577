"""Taking in what other systems send. An unverified event is kept for people to look at and starts nothing.

The stored event is its own record: it has no actor, and an audit that strangers can fill would bury what people did.
"""

import math
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.http.request import network_of
from agentos.webhooks.inbound.models import WebhookEvent, WebhookInbox

KEPT = 10_000  # unverified events; the oldest are dropped
RATE = 60  # events in a minute from one address
MINUTE = timedelta(minutes=1)


def receive_event(*, event: str, data: dict[str, Any], source_address: str | None) -> None:
    """Store an event whose sender is not known. Raises ``Problem`` 429."""
    with transaction.atomic():
        _lock_inbox()
        network = network_of(source_address or "")
        check_rate(network)
        WebhookEvent.objects.create(event=event, data=data, source_address=source_address, source_network=network)
        _drop_oldest()


def check_rate(source_network: str) -> None:
    """Raise ``Problem`` 429 when as much has come from this network (``core.http.network_of``) as one minute may bring."""
    now = clock.now()
    lately = WebhookEvent.objects.filter(source_network=source_network, is_verified=False, received_at__gt=now - MINUTE)
    times = list(lately.order_by("-received_at").values_list("received_at", flat=True)[:RATE])
    if len(times) == RATE:
        seconds = math.ceil((times[-1] + MINUTE - now).total_seconds())
        raise Problem(
            429, _("%(rate)s events a minute are taken from one address.") % {"rate": RATE}, headers={"Retry-After": str(seconds)}
        )


def _lock_inbox() -> None:
    """Let one event in at a time, whatever process it came to."""
    if not WebhookInbox.objects.filter(pk=1).update(received=F("received") + 1):
        WebhookInbox.objects.get_or_create(pk=1)
        WebhookInbox.objects.filter(pk=1).update(received=F("received") + 1)


def _drop_oldest() -> None:
    unverified = WebhookEvent.objects.filter(is_verified=False)
    if first_to_go := unverified.order_by("-pk").values_list("pk", flat=True)[KEPT:].first():
        unverified.filter(pk__lte=first_to_go).delete()
