"""Ending what died, and erasing what is over: runs without a sign of life, deleted chats, old idempotency keys."""

from datetime import timedelta

from agentos.agents.events import Interrupted
from agentos.audit.actions import record
from agentos.chat import ephemeral, quotas
from agentos.chat.ending import end_run
from agentos.chat.models import ChatSession, IdempotencyKey, Run
from agentos.core import clock

UNDO_TIME = timedelta(hours=1)
KEY_LIFE = timedelta(hours=24)
BATCH = 200


def sweep() -> None:
    interrupt_orphans()
    erase_deleted_sessions()
    ephemeral.sweep()
    IdempotencyKey.objects.filter(created_at__lt=clock.now() - KEY_LIFE).delete()


def interrupt_orphans(*, everything: bool = False) -> int:
    """End running runs whose lease is over, keeping their text. ``everything``: this process is the only driver and has
    just started, so whatever is still marked as running has died. Returns how many."""
    running = Run.objects.filter(status=Run.Status.RUNNING)
    if not everything:
        running = running.filter(lease_until__lt=clock.now())
    return sum(end_run(run_pk=pk, attempt=attempt, event=Interrupted()) for pk, attempt in list(running.values_list("pk", "attempt")))


def renew_leases(run_pks: list[int], lease: timedelta) -> None:
    Run.objects.filter(pk__in=run_pks, status=Run.Status.RUNNING).update(lease_until=clock.now() + lease)


def sessions_with_queued_runs() -> list[int]:
    """Sessions in which a message waits and nothing is active."""
    busy = Run.objects.filter(status__in=Run.ACTIVE).values("session")
    queued = Run.objects.filter(status=Run.Status.QUEUED, session__deleted_at__isnull=True).exclude(session__in=busy)
    return list(queued.order_by("session_id").values_list("session_id", flat=True).distinct()[:BATCH])


def erase_deleted_sessions() -> int:
    """Erase the chats that were deleted longer ago than an undo may come. Returns how many."""
    over = list(ChatSession.objects.filter(deleted_at__lt=clock.now() - UNDO_TIME)[:BATCH])
    for session in over:
        record("chat.session.erased", by=None, object_type="session", object_id=session.session_id)
        quotas.keep_usage(session)
        session.delete()
    return len(over)
