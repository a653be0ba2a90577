"""The states of a delivery: claimed for one sender at a time, then delivered, due again, or failed. Called by the dispatcher."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import transaction
from django.db.models import F, Q

from agentos.core import clock, metrics
from agentos.webhooks.outbound import mail
from agentos.webhooks.outbound.models import IS_PENDING, TEST, Attempt, Delivery, Endpoint
from agentos.webhooks.outbound.schedule import OVERLOADED, PAUSE, next_try, pause_of
from agentos.webhooks.outbound.switch import switch_off

LEASE = timedelta(seconds=60)  # longer than a request may take
AT_ONCE = 4  # requests to one endpoint
LOOK_AT = 200  # due deliveries a round
KEPT = timedelta(days=30)
BATCH = 500

GONE = "The receiver answered 410 Gone: it wants no more messages."
NOTHING_GOT_THROUGH = "No message got through for three days."


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one request: what came back, or in ``error`` why nothing did. ``retry_after`` is the header as it came."""

    at: datetime
    seconds: float
    url: str
    headers: dict[str, str]
    status_code: int | None = None
    answer: str = ""
    error: str = ""
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES


@dataclass(frozen=True, slots=True)
class Due:
    """``claims`` as it was seen: who counts it up first has the delivery."""

    pk: int
    claims: int
    endpoint_pk: int


def due(room: int, in_flight: Collection[Due] = ()) -> tuple[list[Due], datetime | None]:
    """Return up to ``room`` deliveries to send now besides those ``in_flight``, and when the next one is due."""
    now = clock.now()
    counts = Counter(one.endpoint_pk for one in in_flight)
    open_now = Q(endpoint__not_before__isnull=True) | Q(endpoint__not_before__lte=now)
    full = [endpoint for endpoint, count in counts.items() if count >= AT_ONCE]
    pending = Delivery.objects.filter(IS_PENDING).exclude(pk__in=[one.pk for one in in_flight])
    ready = pending.filter(open_now, due_at__lte=now).exclude(endpoint__in=full).order_by("due_at", "pk")
    found: list[Due] = []
    for row in ready.values_list("pk", "claims", "endpoint_id")[:LOOK_AT]:
        one = Due(*row)
        if len(found) < room and counts[one.endpoint_pk] < AT_ONCE:
            counts[one.endpoint_pk] += 1
            found.append(one)
    return found, pending.filter(due_at__gt=now).order_by("due_at").values_list("due_at", flat=True).first()


def claim(one: Due) -> Delivery | None:
    """Take the delivery for the length of a lease; None when another sender was first, or it is over."""
    mine = Delivery.objects.filter(pk=one.pk, claims=one.claims, status=Delivery.Status.PENDING)
    if not mine.update(claims=F("claims") + 1, due_at=clock.now() + LEASE):
        return None
    return Delivery.objects.select_related("endpoint").get(pk=one.pk)


def give_back(delivery: Delivery) -> None:
    """Let go of a delivery that was not sent to its end: it is due at once, for whoever comes."""
    Delivery.objects.filter(pk=delivery.pk, claims=delivery.claims, status=Delivery.Status.PENDING).update(due_at=clock.now())


def record_outcome(delivery: Delivery, outcome: Outcome) -> None:
    """Log the request, and decide what follows unless somebody else holds the delivery by now.

    Whoever manages an endpoint that this switches off is told by mail.
    """
    metrics.WEBHOOKS.labels("delivered" if outcome.is_success else "refused" if outcome.status_code else "unreachable").inc()
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(of=("self",)).select_related("team").filter(pk=delivery.endpoint_id).first()
        current = Delivery.objects.filter(pk=delivery.pk).first()
        if endpoint is None or current is None:
            return
        _log(current, outcome)
        if current.claims != delivery.claims or current.status != Delivery.Status.PENDING:
            return
        was_on = endpoint.is_enabled
        current.tries += 1
        if outcome.is_success:
            current.status = Delivery.Status.DELIVERED
            Endpoint.objects.filter(pk=endpoint.pk).update(succeeded_at=clock.now(), not_before=None)
        else:
            _failed(current, endpoint, outcome)
        current.save(update_fields=["status", "tries", "due_at"])
        if was_on and not endpoint.is_enabled:
            mail.tell(endpoint)


def _log(delivery: Delivery, outcome: Outcome) -> None:
    Attempt.objects.create(
        delivery=delivery,
        at=outcome.at,
        seconds=outcome.seconds,
        url=outcome.url,
        headers=outcome.headers,
        status_code=outcome.status_code,
        answer=outcome.answer,
        error=outcome.error,
    )


def _failed(delivery: Delivery, endpoint: Endpoint, outcome: Outcome) -> None:
    now = clock.now()
    pause = pause_of(outcome.retry_after, now)
    again = None if delivery.event == TEST else next_try(delivery.tries, now, pause)
    if again is None or outcome.status_code == HTTPStatus.GONE:
        delivery.status = Delivery.Status.FAILED
    else:
        delivery.due_at = again
    if outcome.status_code == HTTPStatus.GONE:
        switch_off(endpoint, GONE, by=None, spare=delivery)
    elif again is None and delivery.event != TEST and (endpoint.succeeded_at is None or endpoint.succeeded_at < delivery.created_at):
        switch_off(endpoint, NOTHING_GOT_THROUGH, by=None, spare=delivery)
    elif outcome.status_code in OVERLOADED:
        Endpoint.objects.filter(pk=endpoint.pk).update(not_before=now + (pause or PAUSE))


def forget_old() -> int:
    """Erase deliveries that are over and a month old. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=clock.now() - KEPT).exclude(status=Delivery.Status.PENDING)
    pks = list(old.order_by("created_at").values_list("pk", flat=True)[:BATCH])
    Delivery.objects.filter(pk__in=pks).delete()
    return len(pks)
