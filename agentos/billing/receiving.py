"""Taking an event of Stripe in: it is noted once, and what it is about is read afresh."""

from typing import Any

from django.db import transaction

from agentos.billing import waiting
from agentos.billing.models import Event
from agentos.billing.remote import Sent

KINDS = ("customer.subscription.", "invoice.", "checkout.session.")


@transaction.atomic
def receive(event: Sent) -> bool:
    """Returns whether it was new, and is of a kind that tells us anything."""
    kind, about = event["type"], subscription_of(event)
    if not kind.startswith(KINDS) or not about:
        return False
    _, is_new = Event.objects.get_or_create(stripe_id=event["id"], defaults={"kind": kind[:100], "subscription": about})
    if is_new:
        waiting.want(about)
    return is_new


def subscription_of(event: Sent) -> str:
    """Return the id of the subscription that an event is about; empty when it is about none."""
    thing = event["data"]["object"]
    if thing.get("object") == "subscription":
        return str(thing["id"])
    found: Any = thing.get("subscription")
    if thing.get("object") == "invoice" and not found:  # since 2025 an invoice has a parent
        found = ((thing.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    return str(found["id"] if isinstance(found, dict) else found or "")
