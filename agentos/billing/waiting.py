"""Subscriptions that have to be read at Stripe: kept in the database until that is done, and read by a thread after the commit.

While one is read nobody else reads it, so an older answer is never written after a newer one. Whoever wants it meanwhile has it read once
more. What Stripe does not answer is tried again, by whichever server looks next.
"""

import logging
from datetime import timedelta
from threading import Lock, Thread

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from agentos.billing import reading, remote
from agentos.billing.models import Reading
from agentos.billing.problems import BillingProblem, NotAccepted
from agentos.core import clock

log = logging.getLogger(__name__)

THREAD = "billing"
TAKEN = timedelta(minutes=5)  # longer than a reading may take with all its timeouts
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240))  # after so many tries; the last one again and again


class _State:
    lock = Lock()
    is_reading = False


def want(stripe_id: str, *, to_end: bool = False) -> None:
    """Have this subscription read once the transaction is committed, or ended."""
    _note(stripe_id, to_end=to_end)
    transaction.on_commit(wake)


def _note(stripe_id: str, *, to_end: bool) -> None:
    found, is_new = Reading.objects.get_or_create(stripe_id=stripe_id, defaults={"is_to_end": to_end})
    if not is_new:
        changes = {"is_to_end": True} if to_end else {}
        Reading.objects.filter(pk=found.pk).update(stamp=F("stamp") + 1, due_at=clock.now(), tries=0, **changes)


def wake() -> None:
    """Let a thread read what is due, unless one does so already."""
    with _State.lock:
        if not _State.is_reading and remote.is_on():
            _State.is_reading = True
            Thread(target=_run, name=THREAD).start()


def has_due() -> bool:
    return Reading.objects.filter(due_at__lte=clock.now()).exists()


def read_due() -> int:
    """Read each one that is due. Returns how many were."""
    count = 0
    while one := _take():
        _read(one)
        count += 1
    return count


def read_now(stripe_id: str) -> None:
    """Read this one, unless somebody does so already. In a thread of its own, whose connection it closes."""
    try:
        with transaction.atomic():
            _note(stripe_id, to_end=False)
        if one := _take(stripe_id):
            _read(one)
    finally:
        connection.close()


def _run() -> None:
    try:
        while True:
            read_due()
            with _State.lock:
                if not _free().exists():
                    _State.is_reading = False
                    return
    except Exception:
        log.exception("Subscriptions could not be read; they are read again.")
        with _State.lock:
            _State.is_reading = False
    finally:
        connection.close()


def _free() -> QuerySet[Reading]:
    now = clock.now()
    return Reading.objects.filter(Q(taken_until=None) | Q(taken_until__lte=now), due_at__lte=now)


def _take(stripe_id: str = "") -> Reading | None:
    """Return one that nobody else reads now."""
    while one := _free().filter(**{"stripe_id": stripe_id} if stripe_id else {}).first():
        if Reading.objects.filter(pk=one.pk, stamp=one.stamp, taken_until=one.taken_until).update(taken_until=clock.now() + TAKEN):
            return one
    return None


def _read(one: Reading) -> None:
    try:
        if one.is_to_end:
            _end(one.stripe_id)
        else:
            reading.read(one.stripe_id)
    except BillingProblem as problem:
        if isinstance(problem, NotAccepted) and problem.because == remote.GONE:
            log.warning("There is no subscription %s at Stripe.", one.stripe_id)
        else:
            _again(one)
            return
    except Exception:
        log.exception("The subscription %s could not be read; it is tried again.", one.stripe_id)
        _again(one)
        return
    if not Reading.objects.filter(pk=one.pk, stamp=one.stamp).delete()[0]:
        Reading.objects.filter(pk=one.pk).update(taken_until=None)  # somebody wanted it meanwhile


def _again(one: Reading) -> None:
    pause = PAUSES[min(one.tries, len(PAUSES) - 1)]
    changes = {"due_at": clock.now() + pause, "tries": one.tries + 1, "taken_until": None}
    if not Reading.objects.filter(pk=one.pk, stamp=one.stamp).update(**changes):
        Reading.objects.filter(pk=one.pk).update(taken_until=None)


def _end(stripe_id: str) -> None:
    remote.end_subscription(stripe_id)
    log.info("The subscription %s was ended: whoever paid it is deleted here.", stripe_id)
