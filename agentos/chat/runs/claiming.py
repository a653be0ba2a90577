"""How a run begins: a driver takes it, which counts its attempt up and gives it a lease, so that one driver at most writes for it."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat.live.revisions import change
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import dispatch
from agentos.core import clock
from agentos.core.db import database_clock
from agentos.core.db.prepared import Query, update

ATTEMPTS = 3  # at one run, whose drivers die


def claim_next(session_pk: int, lease: timedelta) -> Run | None:
    """Take the session's oldest queued run for this driver, unless one is active."""
    with transaction.atomic():
        session = _UNDELETED.first(session_pk)
        is_open = _OPEN_RUNS.all(session_pk)
        if session is None or not is_open or any(run.is_active for run in is_open):
            return None
        run = is_open[0]
        run.session = session  # with its agent, for the driver
        update(run, revision=change(session), **_claimed(run, lease))
    return run


def take_over(run_pk: int, attempt: int, lease: timedelta) -> Run | None:
    """Take a run whose driver has died, unless it had begun to act: a word of it was seen, or a tool may have been called, since no tool
    is called before the journal says so. None as well when its driver lives, or it has been tried too often."""
    with transaction.atomic():
        session = _UNDELETED_OF.first(run_pk)
        run = Run.objects.select_for_update().filter(pk=run_pk, status=Run.Status.RUNNING, attempt=attempt).first()
        if session is None or run is None or run.attempt >= ATTEMPTS or run.agno_output is not None or run.events.exists():
            return None
        run.session = session
        update(run, revision=change(session), waits_seconds=None, **_claimed(run, lease))
        record("chat.run.taken_over", by=None, object_type="run", object_id=run.run_id)
    return run


_UNDELETED_OF = Query(
    lambda run: ChatSession.objects.select_for_update(of=("self",)).select_related("agent").filter(runs=run, deleted_at=None), int
)
_UNDELETED = Query(
    lambda pk: ChatSession.objects.select_for_update(of=("self",)).select_related("agent").filter(pk=pk, deleted_at=None), int
)
_OPEN_RUNS = Query(lambda session: Run.objects.filter(session=session, status__in=Run.OPEN).order_by("turn", "pk"), int)


def begin(run: Run) -> None:
    """A new run, not stored yet, of a locked session in which no other is open: where a driver is at hand, it is claimed by the
    transaction that stores it, and driven after the commit. Elsewhere it is queued."""
    lease = dispatch.lease()
    if lease is None:
        dispatch.wake_on_commit(run.session_id)
        return
    for name, value in _claimed(run, lease).items():
        setattr(run, name, value)
    transaction.on_commit(lambda: dispatch.drive(run))


def _claimed(run: Run, lease: timedelta) -> dict[str, Any]:
    tried = run.options.get("blueprint")  # of a draft (chat/trying.py), which is no version
    own_model = tried["model"] if tried else _model_of(run)
    return {
        "status": Run.Status.RUNNING,
        "attempt": run.attempt + 1,
        "model": run.model if run.agno_output is not None else own_model,
        "agent_version": None if tried else run.session.agent.version,
        "started_at": clock.now(),
        "lease_until": database_clock.now() + lease,
    }


def _model_of(run: Run) -> str:
    """The one that was chosen, as long as the agent allows it."""
    agent: DjangoAgent = run.session.agent
    return run.chosen_model if run.chosen_model in agent.models_to_choose else agent.model
