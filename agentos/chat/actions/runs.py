"""What people do with a run: stop it, have it answered again or go on, answer what it asks, judge it."""

from dataclasses import asdict

from django.db import transaction
from django.db.models import Max

from agentos.access.models import User
from agentos.agents.events import Stopped
from agentos.agents.runtime import Answer, BadAnswer, approvals
from agentos.audit.actions import record
from agentos.chat import dispatch, limits, quotas
from agentos.chat.actions.opening import bring_to_top, check_agent_available, check_agent_open
from agentos.chat.ending import end_run
from agentos.chat.models import ChatSession, Feedback, Run
from agentos.chat.refusals import InvalidInput, WrongState
from agentos.chat.revisions import change, lock
from agentos.core import clock
from agentos.core.events import tell
from agentos.core.text import clean

CONTINUE = "Continue where you stopped."
FEEDBACK_LIMIT = 2000  # characters


def retry_run(*, run: Run, by: User) -> Run:
    """Answer the last turn again, in place of the answer that is there.

    Raises WrongState, AgentClosed, AgentUnavailable, TooMuch, QuotaReached.
    """
    limits.check_send(by)
    with transaction.atomic():
        session, run = _last_ended_run(run, "Only the last answer of a chat can be tried again, once it has ended.")
        check_agent_open(session.agent, by)
        check_agent_available(session.agent)
        quotas.check(by)
        Run.objects.filter(pk=run.pk).update(is_hidden=True)
        again = {"turn": run.turn, "input": run.input, "context": run.context}
        retry = Run.objects.create(session=session, by=by, retry_of=run, revision=bring_to_top(session), **again)
        record("chat.run.retried", by=by, object_type="run", object_id=retry.run_id, retry_of=run.run_id)
    return retry


def stop_run(*, run: Run, by: User) -> bool:
    """End a run now, keeping its text. Returns False when it had ended already: stopping is idempotent."""
    if run.status == Run.Status.QUEUED and not run.attempt and _withdraw(run, by):
        return True
    stopped = end_run(run_pk=run.pk, event=Stopped(), by=by)
    if stopped:
        dispatch.cancel(run.pk)
    return stopped


def _withdraw(run: Run, by: User) -> bool:
    """Take back a message that has not started."""
    with transaction.atomic():
        session = lock(run.session_id)
        withdrawn = {"status": Run.Status.STOPPED, "is_hidden": True, "finished_at": clock.now(), "revision": session.revision + 1}
        taken = Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED, attempt=0).update(**withdrawn)
        if taken:
            change(session)
            record("chat.message.withdrawn", by=by, object_type="run", object_id=run.run_id)
            tell("run.stopped", session=session, run=run)
    return bool(taken)


def continue_run(*, run: Run, by: User) -> Run:
    """Go on where an answer broke off: a new turn, whose agent is shown what was already said.

    Raises WrongState, AgentClosed, AgentUnavailable, TooMuch, QuotaReached.
    """
    limits.check_send(by)
    with transaction.atomic():
        session, run = _last_ended_run(run, "Only the last answer of a chat can be continued, once it has ended.")
        if run.status not in Run.BROKEN_OFF:
            raise WrongState("This answer is complete: there is nothing to continue.")
        check_agent_open(session.agent, by)
        check_agent_available(session.agent)
        quotas.check(by)
        revision = bring_to_top(session)
        going_on = Run.objects.create(session=session, by=by, turn=run.turn + 1, input=CONTINUE, continues=run, revision=revision)
        record("chat.run.continued", by=by, object_type="run", object_id=going_on.run_id, continues=run.run_id)
    return going_on


def answer_run(*, run: Run, answers: list[Answer], by: User) -> None:
    """Answer what a waiting run asks for, and let it go on. What will be called is what was stored; ``answers`` only say
    yes, no, or fill in values. Raises WrongState, InvalidInput, AgentClosed, AgentUnavailable."""
    with transaction.atomic():
        session = lock(run.session_id)
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.status != Run.Status.WAITING:
            raise WrongState("This was answered already, or the run has ended.")
        check_agent_open(session.agent, by)
        check_agent_available(session.agent)
        try:
            understood = approvals.check(run.requirements, answers)
        except BadAnswer as error:
            raise InvalidInput("answers", str(error)) from None
        run.answers = [asdict(answer) for answer in understood.values()]
        run.status, run.requirements = Run.Status.QUEUED, []
        run.revision = bring_to_top(session)
        run.save(update_fields=["answers", "status", "requirements", "revision"])
        said = {answer["call_id"]: answer["confirmed"] for answer in run.answers}
        record("chat.run.answered", by=by, object_type="run", object_id=run.run_id, confirmed=said)


def give_feedback(*, run: Run, value: int | None, note: str = "", by: User) -> None:
    """Say what one thinks of an answer; ``value`` None takes it back. Raises WrongState, InvalidInput."""
    if not run.parts:
        raise WrongState("There is no answer to judge yet.")
    if value is not None and value not in Feedback.Value.values:
        raise InvalidInput("value", "Feedback is good or bad.")
    if len(note) > FEEDBACK_LIMIT:
        raise InvalidInput("note", f"A note can have {FEEDBACK_LIMIT:,} characters; this one has {len(note):,}.")
    with transaction.atomic():
        if value is None:
            Feedback.objects.filter(run=run).delete()
        else:
            Feedback.objects.update_or_create(run=run, defaults={"by": by, "value": value, "note": clean(note), "updated_at": clock.now()})
        session = lock(run.session_id)
        Run.objects.filter(pk=run.pk).update(revision=change(session))
        record("chat.feedback.given", by=by, object_type="run", object_id=run.run_id, value=value)
        tell("feedback.given", session=session, run=run, value=value)


def _last_ended_run(run: Run, otherwise: str) -> tuple[ChatSession, Run]:
    """Lock the session and the run, and return them if the run is its last turn and has ended; else WrongState."""
    session = lock(run.session_id)
    run = Run.objects.select_for_update().get(pk=run.pk)
    newest = Run.objects.filter(session=session, is_hidden=False).aggregate(turn=Max("turn"))["turn"]
    if run.is_hidden or run.status not in Run.ENDED or run.turn != newest:
        raise WrongState(otherwise)
    return session, run
