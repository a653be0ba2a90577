"""Reaps orphaned runs, and erases what is over: deleted chats, old idempotency keys.

It works every few seconds, so each of its queries finds its rows by an index of such rows alone: tests/test_periodic.py holds that the
cost does not grow with what has ended.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Q

from agentos.agents.events import Interrupted
from agentos.audit.actions import record
from agentos.chat import ephemeral
from agentos.chat.models import IS_OPEN, ChatSession, IdempotencyKey, Run
from agentos.chat.runs.claiming import take_over
from agentos.chat.runs.ending import end_run
from agentos.core import clock
from agentos.core.db import database_clock
from agentos.files import sweeping

UNDO_TIME = timedelta(hours=1)
KEY_LIFE = timedelta(hours=24)
BATCH = 200


Mine = Mapping[int, int]  # the runs that this process drives: their keys, and the attempts of its drivers


def sweep(mine: Mine | None = None, *, trusts_leases: bool = True, lease: timedelta | None = None) -> list[Run]:
    """Do all of it once, and return what ``reap_orphans`` does. ``trusts_leases``: False while others may not have been able to renew
    theirs."""
    taken_over = reap_orphans(mine, lease=lease) if trusts_leases else []
    erase_deleted_sessions()
    ephemeral.sweep()
    forget_old_keys()
    sweeping.sweep()
    return taken_over


def reap_orphans(mine: Mine | None = None, *, everything: bool = False, lease: timedelta | None = None) -> list[Run]:
    """See to running runs whose lease is over; never those in ``mine``, whose driver is alive.

    One that had begun to act is interrupted, keeping its text: a tool may have done something. One that had not is taken over, and
    returned, for whoever asks with a ``lease`` and drives it. ``everything``: this process is known to be the only driver and has just
    started, so whatever is still marked as running has died.
    """
    running = Run.objects.filter(IS_OPEN, status=Run.Status.RUNNING).order_by()
    if not everything:
        running = running.filter(Q(lease_until__lt=database_clock.ask()) | Q(lease_until__isnull=True))
    taken_over = []
    for pk, attempt in list(running.values_list("pk", "attempt")):
        if (mine or {}).get(pk) == attempt:
            continue
        if lease and (run := take_over(pk, attempt, lease)):
            taken_over.append(run)
        else:
            end_run(run_pk=pk, attempt=attempt, event=Interrupted())
    return taken_over


def renew_leases(mine: Mine, lease: timedelta) -> set[int]:
    """Promise another sign of life, and return the runs that are still ours: not those that have ended, or that somebody has taken over."""
    still_mine = still_driven(mine)
    Run.objects.filter(pk__in=still_mine, status=Run.Status.RUNNING).update(lease_until=database_clock.ask() + lease)
    return still_mine


def still_driven(mine: Mine) -> set[int]:
    """Those of the runs that are running, under our attempt."""
    running = Run.objects.filter(pk__in=mine, status=Run.Status.RUNNING).order_by().values_list("pk", "attempt")
    return {pk for pk, attempt in running if mine[pk] == attempt}


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
        session.delete()
    return len(over)


def forget_old_keys() -> None:
    """Forget idempotency keys that are a day old."""
    old = IdempotencyKey.objects.filter(created_at__lt=clock.now() - KEY_LIFE).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:BATCH])
    IdempotencyKey.objects.filter(pk__in=pks).delete()
