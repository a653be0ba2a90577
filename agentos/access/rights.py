"""The version of everybody's rights: the key under which anything about rights may be cached."""

from django.db import transaction
from django.db.models import F

from agentos.access.models import RightsVersion


class _Changes:
    seen = 0


def version() -> int:
    """Return the number that the last committed change of rights left behind. One small query."""
    return RightsVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def changed() -> None:
    """Count the version up, in the caller's transaction."""
    if not RightsVersion.objects.filter(pk=1).update(number=F("number") + 1):
        RightsVersion.objects.get_or_create(pk=1, defaults={"number": 1})
    _note()
    transaction.on_commit(_note)  # what another thread has read in between was of before


def changes() -> int:
    """Return how many changes this process has made itself: the key of what only this process remembers. No query."""
    return _Changes.seen


def _note() -> None:
    _Changes.seen += 1
