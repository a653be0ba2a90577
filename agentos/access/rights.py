"""The version of everybody's rights: the key under which anything about rights may be cached."""

from django.db.models import F

from agentos.access.models import RightsVersion


def version() -> int:
    """Return the number that the last committed change of rights left behind. One small query."""
    return RightsVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def changed() -> None:
    """Count the version up, in the caller's transaction."""
    if not RightsVersion.objects.filter(pk=1).update(number=F("number") + 1):
        RightsVersion.objects.get_or_create(pk=1, defaults={"number": 1})
