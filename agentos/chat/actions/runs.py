"""What people do with a run: stop it, have it answered again or go on, answer what it asks, judge it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents.events import Stopped
from agentos.agents.runtime import Answer, BadAnswer, approvals
from agentos.audit.actions import record
from agentos.chat import limits, quotas, seen
from agentos.chat.actions.choosing import checked
from agentos.chat.actions.opening import bring_to_top, check_agent_available, check_agent_open, check_run_goes_on
from agentos.chat.actions.versions import add_version, hide_from, show_version, take_out, versions_of
from agentos.chat.errors import InvalidInput, WrongState
from agentos.chat.files import check_taken, copy_files, of_message
from agentos.chat.live.revisions import change, lock
from agentos.chat.models import ChatSession, Feedback, Run
from agentos.chat.runs import dispatch
from agentos.chat.runs.ending import end_run
from agentos.core import clock
from agentos.core.events import emit
from agentos.core.people import name_of
from agentos.core.text import clean

CONTINUE = "Continue where you stopped."
FEEDBACK_LIMIT = 2000  # characters


def retry_run(*, run: Run, by: User, model: str | None = None, effort: str | None = None) -> Run:
    """Answer the last turn again: another version of the answer that is there, which stays. ``model``, ``effort``: others than that one's,
    for this time.

    Raises InvalidInput, WrongState, AgentClosed, AgentUnavailable, TooMuch, QuotaReached.
    """
    limits.check_send(by)
    with transaction.atomic():
        session, run = _last_ended_run(run, _("Only the last answer of a chat can be tried again, once it has ended."))
        check_agent_open(session.agent, by)
        check_agent_available(session.agent)
        how = checked(session.agent, model, effort, run)
        check_taken(session.agent, how.model, of_message(run) if run.file_count else ())
        quotas.check(by, session.agent)
        revision = bring_to_top(session)
        place = add_version(run)
        hide_from(session, run.turn, revision)
        again = {"input": run.input, "context": run.context, "options": run.options, **how.of_run}
        retry = Run.objects.create(session=session, by=by, retry_of=run, revision=revision, **place, **again)
        copy_files([(run, retry)])
        record("chat.run.retried", by=by, object_type="run", object_id=retry.run_id, retry_of=run.run_id)
    return retry


def stop_run(*, run: Run, by: User | None, code: str = "") -> bool:
    """End a run now, keeping its text. Returns False when it had ended already: stopping is idempotent.

    ``code``: why, when nobody asked for it; then a message that has not started stays where it is.
    """
    if run.status == Run.Status.QUEUED and not run.attempt and _withdraw(run, by, code):
        return True
    stopped = end_run(run_pk=run.pk, event=Stopped(code), by=by)
    if stopped:
        dispatch.cancel(run.pk)
    return stopped


def _withdraw(run: Run, by: User | None, code: str) -> bool:
    """Take back a message that has not started, or with a ``code`` end it."""
    with transaction.atomic():
        session = lock(run.session_id)
        withdrawn = {"status": Run.Status.STOPPED, "finished_at": clock.now(), "revision": session.revision + 1}
        queued = Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED, attempt=0)
        taken = queued.update(**withdrawn, is_hidden=not code, error_code=code)
        if taken:
            revision = change(session, **seen.left_by(Stopped(code), session, by))
            if not code:
                _leave_version(session, run, revision)
            verb, about = ("chat.run.stopped", {"code": code}) if code else ("chat.message.withdrawn", {})
            record(verb, by=by, object_type="run", object_id=run.run_id, **about)
            emit("run.stopped", session=session, run=run)
    return bool(taken)


def _leave_version(session: ChatSession, run: Run, revision: int) -> None:
    """Of a turn that has other versions, show the one that was shown before the one that is withdrawn."""
    before = versions_of(run).exclude(pk=run.pk).order_by("-revision", "-pk").first()
    take_out(run, revision)
    if before is not None:
        show_version(session, before)


def continue_run(*, run: Run, by: User) -> Run:
    """Go on where an answer broke off: a new turn, whose agent is shown what was already said.

    Raises WrongState, AgentClosed, AgentUnavailable, TooMuch, QuotaReached.
    """
    limits.check_send(by)
    with transaction.atomic():
        session, run = _last_ended_run(run, _("Only the last answer of a chat can be continued, once it has ended."))
        if not run.is_broken_off:
            raise WrongState(_("This answer is complete: there is nothing to continue."))
        check_agent_open(session.agent, by)
        check_agent_available(session.agent)
        how = checked(session.agent, None, None, run)
        quotas.check(by, session.agent)
        revision = bring_to_top(session)
        place = {"turn": run.turn + 1, "follows": run.pk}
        going_on = Run.objects.create(session=session, by=by, input=CONTINUE, continues=run, revision=revision, **place, **how.of_run)
        record("chat.run.continued", by=by, object_type="run", object_id=going_on.run_id, continues=run.run_id)
    return going_on


def answer_run(*, run: Run, answers: list[Answer], by: User, decided_by: User | None = None) -> None:
    """Answer what a waiting run asks for, and let it go on. What will be called is what was stored; ``answers`` only say
    yes, no, or fill in values. ``decided_by``: the person who did, where they act with the rights of ``by``.

    Raises WrongState, InvalidInput, AgentClosed, AgentUnavailable."""
    with transaction.atomic():
        session = lock(run.session_id)
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.status != Run.Status.WAITING:
            raise WrongState(_("This was answered already, or the run has ended."))
        check_run_goes_on(run, session.agent, by)
        try:
            understood = approvals.check(run.requirements, answers)
        except BadAnswer as error:
            raise InvalidInput("answers", str(error), error.errors) from None
        person = decided_by or by
        name = "" if person.pk == session.user_id else name_of(person)
        names = {requirement["call_id"]: requirement["name"] for requirement in run.requirements}
        _approve_for_chat(session, names, understood.values(), by)
        run.answers = [asdict(answer) | {"by": name} for answer in understood.values()]
        run.status, run.requirements = Run.Status.QUEUED, []
        run.revision = bring_to_top(session)
        run.save(update_fields=["answers", "status", "requirements", "revision"])
        said = {answer["call_id"]: answer["confirmed"] for answer in run.answers}
        changed = {call_id: sorted(answer.arguments) for call_id, answer in understood.items() if answer.arguments}
        more = {"changed": changed} if changed else {}
        record("chat.run.answered", by=by, object_type="run", object_id=run.run_id, confirmed=said, **more)
        decided = [{"call_id": call_id, "name": names[call_id], "confirmed": confirmed} for call_id, confirmed in said.items()]
        emit("run.answered", session=session, run=run, answers=decided)


def _approve_for_chat(session: ChatSession, names: Mapping[str, str], answers: Iterable[Answer], by: User) -> None:
    new = [name for answer in answers if answer.lasting and (name := names[answer.call_id]) not in session.approved_tools]
    if new:
        session.approved_tools = [*session.approved_tools, *dict.fromkeys(new)]
        session.save(update_fields=["approved_tools"])
        for name in new:
            record("chat.session.tool_approved", by=by, object_type="session", object_id=session.session_id, tool=name)


def give_feedback(*, run: Run, value: int | None, note: str = "", by: User) -> None:
    """Say what one thinks of an answer; ``value`` None takes it back. Raises WrongState, InvalidInput."""
    if not run.parts:
        raise WrongState(_("There is no answer to judge yet."))
    if value is not None and value not in Feedback.Value.values:
        raise InvalidInput("value", _("Feedback is good or bad."))
    if len(note) > FEEDBACK_LIMIT:
        raise InvalidInput(
            "note",
            _("A note can have %(limit)s characters; this one has %(size)s.") % {"limit": f"{FEEDBACK_LIMIT:,}", "size": f"{len(note):,}"},
        )
    with transaction.atomic():
        if value is None:
            Feedback.objects.filter(run=run).delete()
        else:
            Feedback.objects.update_or_create(run=run, defaults={"by": by, "value": value, "note": clean(note), "updated_at": clock.now()})
        session = lock(run.session_id)
        Run.objects.filter(pk=run.pk).update(revision=change(session))
        record("chat.feedback.given", by=by, object_type="run", object_id=run.run_id, value=value)
        emit("feedback.given", session=session, run=run, value=value)


def _last_ended_run(run: Run, otherwise: str) -> tuple[ChatSession, Run]:
    """Lock the session and the run, and return them if the run is its last turn and has ended; else WrongState."""
    session = lock(run.session_id)
    run = Run.objects.select_for_update().get(pk=run.pk)
    newest = Run.objects.filter(session=session, is_hidden=False).aggregate(turn=Max("turn"))["turn"]
    if run.is_hidden or run.status not in Run.ENDED or run.turn != newest:
        raise WrongState(otherwise)
    return session, run
