"""How a run ends: one function for the runner, for Stop and for the reaper, so that exactly one of them wins."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from agentos.access.models import User
from agentos.agents.events import Event, Failed, Finished, Waiting
from agentos.audit.actions import record
from agentos.chat import dispatch
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.parts import DELTAS, end_open_tools, fold, text_of
from agentos.chat.revisions import change
from agentos.core import clock

STATUS = {
    "finished": Run.Status.COMPLETED,
    "failed": Run.Status.FAILED,
    "stopped": Run.Status.STOPPED,
    "interrupted": Run.Status.INTERRUPTED,
    "waiting": Run.Status.WAITING,
}

ENDING_FIELDS = (
    "status", "parts", "answer", "first_token_at", "input_tokens", "output_tokens", "lease_until", "requirements", "agno_output", "answers",
    "finished_at", "messages", "error_code", "last_seq", "revision",
)  # fmt: skip

# Running or waiting, or answered and about to go on: a run that has begun.
STARTED = Q(status__in=Run.ACTIVE) | Q(status=Run.Status.QUEUED, attempt__gt=0)


def end_run(
    *, run_pk: int, event: Event, attempt: int | None = None, by: User | None = None, last_words: list[RunEvent] | None = None
) -> bool:
    """End an active run (or pause it, for Waiting) and return True; False when somebody else ended it first.

    ``attempt``: of the driver that asks; a stale one changes nothing. ``last_words``: its events that are not stored yet.
    The journal of an ended run is folded into the run's parts; of its rows only the terminal one stays.
    """
    with transaction.atomic():
        session = ChatSession.objects.select_for_update(of=("self",)).filter(runs=run_pk).first()
        run = Run.objects.select_for_update().filter(STARTED, pk=run_pk).first()
        if session is None or run is None or (attempt is not None and run.attempt != attempt):
            return False
        if last_words:
            RunEvent.objects.bulk_create(last_words)
        journal = list(RunEvent.objects.filter(run=run).order_by("seq"))
        run.last_seq = (journal[-1].seq if journal else run.last_seq) + 1
        RunEvent.objects.create(run=run, seq=run.last_seq, attempt=run.attempt, kind=event.kind, data=event.data())
        _take_over(run, event, journal)
        run.revision = change(session, updated_at=clock.now())
        run.save(update_fields=ENDING_FIELDS)
        if event.terminal:
            RunEvent.objects.filter(run=run, seq__lt=run.last_seq).delete()
        record(
            f"chat.run.{run.status}", by=by, object_type="run", object_id=run.run_id, **({"code": run.error_code} if run.error_code else {})
        )
        if Run.objects.filter(session=session, status=Run.Status.QUEUED).exists():
            transaction.on_commit(lambda: dispatch.wake(session.pk))
    return True


def _take_over(run: Run, event: Event, journal: list[RunEvent]) -> None:
    """Set the run's columns to what its journal says."""
    run.status = STATUS[event.kind]
    run.parts = fold((line.kind, line.data) for line in journal)
    run.answer = text_of(run.parts)
    run.first_token_at = next((line.created_at for line in journal if line.kind in DELTAS), None)
    usage = [line.data for line in journal if line.kind == "usage"]
    run.input_tokens = sum(data["input_tokens"] for data in usage)
    run.output_tokens = sum(data["output_tokens"] for data in usage)
    run.lease_until = None
    if isinstance(event, Waiting):
        run.requirements, run.agno_output, run.answers = event.requirements, event.output, []
        return
    end_open_tools(run.parts)
    run.requirements, run.agno_output = [], None
    run.finished_at = clock.now()
    if isinstance(event, Finished):
        run.messages = event.messages
    if isinstance(event, Failed):
        run.error_code = event.code


def claim_next(session_pk: int, lease: timedelta) -> Run | None:
    """Take the session's oldest queued run for this driver, unless one is active. Counts its attempt up."""
    with transaction.atomic():
        session = ChatSession.objects.select_for_update(of=("self",)).select_related("agent").filter(pk=session_pk, deleted_at=None).first()
        is_open = list(Run.objects.filter(session=session_pk, status__in=Run.OPEN).order_by("turn", "pk"))
        if session is None or not is_open or any(run.is_active for run in is_open):
            return None
        run = is_open[0]
        run.session = session  # with its agent, for the driver
        now = clock.now()
        run.status, run.attempt = Run.Status.RUNNING, run.attempt + 1
        run.started_at, run.lease_until = now, now + lease
        run.revision = change(session)
        run.save(update_fields=["status", "attempt", "started_at", "lease_until", "revision"])
    return run
