"""Everything here against everything at Stripe, once a day and by the command ``agentos billing``: so no event can be missed for long."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

from django.db import connection, transaction

from agentos.billing import reading, remote, waiting
from agentos.billing.models import Comparison, Event, Paid, Payer
from agentos.billing.problems import BillingProblem
from agentos.core import clock

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
AFTER_A_FAILURE = timedelta(hours=1)
EVENTS_KEPT = timedelta(days=30)  # Stripe repeats one for three days
LONGEST = timedelta(minutes=30)  # for which nobody else begins
ONLY = 1


def is_due() -> bool:
    return not Comparison.objects.filter(pk=ONLY, next_at__gt=clock.now()).exists()


def begin() -> bool:
    """Whether it is this process that compares now: of several servers one does."""
    now = clock.now()
    _, is_first = Comparison.objects.get_or_create(pk=ONLY, defaults={"next_at": now + LONGEST})
    return is_first or bool(Comparison.objects.filter(pk=ONLY, next_at__lte=now).update(next_at=now + LONGEST))


def start() -> None:
    """Compare in a thread of its own."""
    Thread(target=_run, name="billing-comparison").start()


def _run() -> None:
    try:
        compare()
    except BillingProblem as problem:
        log.warning("The subscriptions could not be compared with Stripe, and will be in an hour: %s", problem.sentence)
    except Exception:
        log.exception("The subscriptions could not be compared with Stripe, and will be in an hour.")
    finally:
        connection.close()


def compare() -> Comparison:
    """Have everything read that differs. Raises Away and NotAccepted. It waits for Stripe: not on the loop."""
    try:
        found = _compare()
    except Exception:
        Comparison.objects.filter(pk=ONLY).update(next_at=clock.now() + AFTER_A_FAILURE, has_failed=True)
        raise
    Event.objects.filter(received_at__lt=clock.now() - EVENTS_KEPT).delete()
    return found


def _compare() -> Comparison:
    seen: set[str] = set()
    compared = different = foreign = 0
    for sent in remote.subscriptions():
        seen.add(sent["id"])
        compared += 1
        if reading.differs(sent):
            different += 1
            _want(sent["id"])
        elif not Payer.objects.filter(stripe_id=reading.said_by(sent).payer).exists():
            foreign += 1
    for stripe_id in _not_seen(seen):  # they have ended there
        different += 1
        _want(stripe_id)
    now = clock.now()
    values = {"done_at": now, "has_failed": False, "next_at": now + EVERY, "compared": compared, "different": different, "foreign": foreign}
    return Comparison.objects.update_or_create(pk=ONLY, defaults=values)[0]


def _not_seen(seen: set[str]) -> Iterator[str]:
    yield from [stripe_id for stripe_id in Paid.objects.live().values_list("stripe_id", flat=True) if stripe_id not in seen]


@transaction.atomic
def _want(stripe_id: str) -> None:
    waiting.want(stripe_id)
