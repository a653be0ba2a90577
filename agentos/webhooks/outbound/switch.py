"""Switches an endpoint on and off: by a person, by a receiver that wants no more, or because nothing gets through."""

from agentos.access.users import User
from agentos.audit.actions import record
from agentos.core import clock
from agentos.webhooks.outbound.models import Delivery, Endpoint


def switch_off(endpoint: Endpoint, because: str, *, by: User | None, spare: Delivery | None = None) -> None:
    """Send nothing more to the endpoint; what waited is given up, but for ``spare``, whose state the caller writes.

    In the caller's transaction. ``because`` is a sentence for the team.
    """
    endpoint.is_enabled, endpoint.off_because, endpoint.off_at, endpoint.off_by_person = False, because, clock.now(), by is not None
    endpoint.save(update_fields=["is_enabled", "off_because", "off_at", "off_by_person"])
    waiting = Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.PENDING)
    (waiting.exclude(pk=spare.pk) if spare else waiting).update(status=Delivery.Status.FAILED)
    record("webhooks.endpoint.off", by=by, object_type="webhook", object_id=endpoint.hook_id, because=because)


def switch_on(endpoint: Endpoint, *, by: User) -> None:
    endpoint.is_enabled, endpoint.off_because, endpoint.off_at, endpoint.not_before = True, "", None, None
    endpoint.save(update_fields=["is_enabled", "off_because", "off_at", "not_before"])
    record("webhooks.endpoint.on", by=by, object_type="webhook", object_id=endpoint.hook_id)
