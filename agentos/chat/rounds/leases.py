"""A driver's sign of life: a round whose lease is over was broken off, whoever looks."""

from datetime import timedelta

from agentos.agents.models import CaseRound
from agentos.core import clock

LEASE = timedelta(seconds=60)
EVERY = 15.0  # seconds between two signs of life


def renew(round_pk: int) -> bool:
    """Promise another one. False when the round has ended."""
    running = CaseRound.objects.filter(pk=round_pk, status=CaseRound.Status.RUNNING)
    return bool(running.update(lease_until=clock.now() + LEASE))
