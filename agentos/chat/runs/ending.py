"""Ends a run: one function for the run task, for Stop and for the reaper, so that exactly one of them wins."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from agentos.access.users import User
from agentos.agents import prices
from agentos.agents.events import Event, Failed, Finished, Stopped, Waiting
from agentos.audit.actions import record
from agentos.chat import budget_mail, counting, queries, seen
from agentos.chat.counting import Asked
from agentos.chat.live.parts import end_open_tools, fold, text_of, wait_for_people
from agentos.chat.live.revisions import change
from agentos.chat.models import ChatSession, Run, RunEvent, searchable_text
from agentos.chat.runs import dispatch
from agentos.core import clock
from agentos.core.db.prepared import Query, delete_where, insert_all, new, update
from agentos.core.events import emit
from agentos.core.pubsub import pubsub

STATUS = {
    "finished": Run.Status.COMPLETED,
    "failed": Run.Status.FAILED,
    "stopped": Run.Status.STOPPED,
    "interrupted": Run.Status.INTERRUPTED,
    "waiting": Run.Status.WAITING,
}

# Running or waiting, or answered and about to go on: a run that has begun.
STARTED = Q(status__in=Run.ACTIVE) | Q(status=Run.Status.QUEUED, attempt__gt=0)


def end_run(*, run_pk: int, event: Event, attempt: int | None = None, by: User | None = None, last_words: Iterable[Any] = ()) -> bool:
    """End an active run (or pause it, for Waiting) and return True; False when somebody else ended it first.

    ``attempt``: of the driver that asks; a stale one changes nothing. ``last_words``: its events that are not stored yet.
    The journal of an ended run is folded into the run's parts; of its rows only the terminal one stays.
    """
    with transaction.atomic():
        session = _SESSION_OF.first(run_pk)
        run = _STARTED_RUN.first(run_pk)
        if session is None or run is None or (attempt is not None and run.attempt != attempt):
            return False
        insert_all(RunEvent, last_words)
        journal = queries.journal(run)
        last_seq = (journal[-1].seq if journal else run.last_seq) + 1
        asked = _asked(run, journal)
        ended = _taken_over(run, event, journal, asked)
        if event.terminal:
            delete_where(RunEvent, run_id=run.pk)
        insert_all(RunEvent, [new(RunEvent, run=run, seq=last_seq, attempt=run.attempt, kind=event.kind, data=event.data())])
        update(run, last_seq=last_seq, revision=change(session, updated_at=clock.now(), **seen.left_by(event, session, by)), **ended)
        if event.terminal:
            is_unpriced = not asked and isinstance(event, Finished)
            counting.count_answer(run=run, agent_pk=session.agent_id, asked=asked, is_unpriced=is_unpriced)
        about = {"code": run.error_code} if run.error_code else {}
        record(f"chat.run.{run.status}", by=by, object_type="run", object_id=run.run_id, **about)
        emit(f"run.{run.status}", session=session, run=run)
        if _QUEUED.rows(session.pk):
            dispatch.wake_on_commit(session.pk)
        if attempt is None:  # its driver does not know it, and may be elsewhere
            pubsub.tell_others(f"run#{run.pk}")
        _look_at_budgets(event, run, session)
    return True


_SESSION_OF = Query(lambda run: ChatSession.objects.select_for_update(of=("self",)).filter(runs=run), int)
_STARTED_RUN = Query(lambda run: Run.objects.select_for_update().filter(STARTED, pk=run), int)
_QUEUED = Query(lambda session: Run.objects.filter(session=session, status=Run.Status.QUEUED).values_list("pk")[:1], int)


def _look_at_budgets(event: Event, run: Run, session: ChatSession) -> None:
    """At last, once all else is done: no answer waits, or is lost, because people cannot be told."""
    if event.terminal:
        transaction.on_commit(lambda: budget_mail.look(run.by_id, session.agent_id), robust=True)


def _taken_over(run: Run, event: Event, journal: list[queries.JournalLine], asked: Sequence[Asked]) -> dict[str, Any]:
    """What the run's columns become, by its journal."""
    parts = fold((line.kind, line.data) for line in journal)
    answer = text_of(parts)
    now = {
        "status": STATUS[event.kind],
        "parts": parts,
        "answer": answer,
        "searchable": searchable_text(run.input, answer),
        "first_token_at": queries.first_token_at(run),
        "input_tokens": sum(request.read for request in asked),
        "output_tokens": sum(request.written for request in asked),
        "cached_tokens": sum(request.cached for request in asked),
        "reasoning_tokens": sum(request.reasoning for request in asked),
        **_cost(asked),
        "lease_until": None,
        "waits_seconds": None,
    }
    if isinstance(event, Waiting):
        wait_for_people(parts)
        return now | {"requirements": event.requirements, "agno_output": event.output, "answers": []}
    end_open_tools(parts)
    return now | {
        "requirements": [],
        "agno_output": None,
        "finished_at": clock.now(),
        "messages": event.messages if isinstance(event, Finished) else run.messages,
        "error_code": (event.code if isinstance(event, Failed | Stopped) else "") or run.error_code,
        "cut": event.cut if isinstance(event, Finished) else "",
    }


def _asked(run: Run, journal: list[queries.JournalLine]) -> list[Asked]:
    """What its models were asked so far. The price of a model is looked up once in a process."""
    at = run.started_at or clock.now()
    asked = [Asked.of(line.data, run.model, at) for line in journal if line.kind == "usage"]
    if not asked and prices.is_free(run.model):
        return [Asked(run.model, cost=prices.FREE)]
    return asked


def _cost(asked: Sequence[Asked]) -> dict[str, Any]:
    cost = prices.in_all(request.cost for request in asked)
    if cost is None:
        return {"cost_micro": None, "currency": "", "price_source": ""}
    return {"cost_micro": cost.micro, "currency": cost.currency, "price_source": cost.source}
