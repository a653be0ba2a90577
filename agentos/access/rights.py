"""The version of everybody's rights: the key under which anything about rights may be cached."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from agentos.access.models import RightsVersion, Subscription


class _Changes:
    seen = 0


def version() -> int:
    """Return the number that the last committed change of rights left behind. One small query."""
    return RightsVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def changed() -> None:
    """Count the version up, in the caller's transaction."""
    _count_up(RightsVersion.objects.filter(pk=1))


def next_end(after: datetime) -> datetime | None:
    """Return when the next subscription ends by time alone, which no commit announces: ``ended`` does. One query."""
    ahead = Subscription.objects.filter(status=Subscription.Status.ACTIVE, current_period_end__gt=after)
    end: datetime | None = ahead.order_by("current_period_end").values_list("current_period_end", flat=True).first()
    return end


def ended(number: int) -> None:
    """Count the version up because an end has come of those that lay ahead at version ``number``.

    Every process notices by itself. The first one counts, for all: to the others the version has moved.
    """
    _count_up(RightsVersion.objects.filter(pk=1, number=number))


def changes() -> int:
    """Return how many changes this process has made itself: the key of what only this process remembers. No query."""
    return _Changes.seen


def _count_up(row: QuerySet[RightsVersion]) -> None:
    if not row.update(number=F("number") + 1):
        RightsVersion.objects.get_or_create(pk=1, defaults={"number": 1})
    _note()
    transaction.on_commit(_note)  # what another thread has read in between was of before


def _note() -> None:
    _Changes.seen += 1
