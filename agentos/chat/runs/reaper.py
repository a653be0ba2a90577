"""Reaps orphaned runs, and erases what is over: deleted chats, old idempotency keys.

It works every few seconds, so each of its queries finds its rows by an index of such rows alone: tests/test_periodic.py holds that the
cost does not grow with what has ended.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Q

from agentos.agents.events import Interrupted
from agentos.audit.actions import record
from agentos.chat import ephemeral, quotas
from agentos.chat.models import IS_OPEN, ChatSession, IdempotencyKey, Run
from agentos.chat.runs.ending import end_run
from agentos.core import clock, database_clock

UNDO_TIME = timedelta(hours=1)
KEY_LIFE = timedelta(hours=24)
BATCH = 200


Mine = Mapping[int, int]  # the runs that this process drives: their keys, and the attempts of its drivers


def sweep(mine: Mine | None = None, *, trusts_leases: bool = True) -> None:
    """Do all of it once. ``trusts_leases``: False while others may not have been able to renew theirs."""
    if trusts_leases:
        interrupt_orphans(mine)
    erase_deleted_sessions()
    ephemeral.sweep()
    forget_old_keys()


def interrupt_orphans(mine: Mine | None = None, *, everything: bool = False) -> int:
    """End running runs whose lease is over, keeping their text; never those in ``mine``, whose driver is alive. ``everything``: this
    process is known to be the only driver and has just started, so whatever is still marked as running has died. Returns how many."""
    running = Run.objects.filter(IS_OPEN, status=Run.Status.RUNNING).order_by()
    if not everything:
        running = running.filter(Q(lease_until__lt=database_clock.ask()) | Q(lease_until__isnull=True))
    orphans = [(pk, attempt) for pk, attempt in running.values_list("pk", "attempt") if (mine or {}).get(pk) != attempt]
    return sum(end_run(run_pk=pk, attempt=attempt, event=Interrupted()) for pk, attempt in orphans)


def renew_leases(mine: Mine, lease: timedelta) -> None:
    """Promise another sign of life. A run that another driver has taken over is left to that one."""
    running = Run.objects.filter(pk__in=mine, status=Run.Status.RUNNING).order_by().values_list("pk", "attempt")
    still_mine = [pk for pk, attempt in running if mine[pk] == attempt]
    Run.objects.filter(pk__in=still_mine, status=Run.Status.RUNNING).update(lease_until=database_clock.ask() + lease)


def sessions_with_queued_runs() -> list[int]:
    """Sessions in which a message waits and nothing is active."""
    busy = Run.objects.filter(IS_OPEN, status__in=Run.ACTIVE).order_by().values("session")
    queued = Run.objects.filter(IS_OPEN, status=Run.Status.QUEUED, session__deleted_at__isnull=True).exclude(session__in=busy)
    return list(queued.order_by("session_id").values_list("session_id", flat=True).distinct()[:BATCH])


def erase_deleted_sessions() -> int:
    """Erase the chats that were deleted longer ago than an undo may come. Returns how many."""
    over = list(ChatSession.objects.filter(deleted_at__lt=clock.now() - UNDO_TIME)[:BATCH])
    for session in over:
        record("chat.session.erased", by=None, object_type="session", object_id=session.session_id)
        quotas.keep_usage(session)
        session.delete()
    return len(over)


def forget_old_keys() -> None:
    """Forget idempotency keys that are a day old."""
    old = IdempotencyKey.objects.filter(created_at__lt=clock.now() - KEY_LIFE).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:BATCH])
    IdempotencyKey.objects.filter(pk__in=pks).delete()
