"""Runs that leave no trace: a conversation that its caller keeps is answered once, and what stays is a run without a text.

A hidden session holds the one run. Runner and journal treat it as any other. Its texts are erased when its answer has been delivered,
and at the latest ``ERASE_AFTER`` its end: status, tokens, times and the audit record stay. Nobody but the one who started it can
ever read the answer, so the run ends when they go away, which is the one exception to "runs never depend on a reader".
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from agentos.access.users import User
from agentos.agents.choosing import effort_with
from agentos.agents.events import Stopped
from agentos.agents.history import Turn
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import limits, quotas
from agentos.chat.actions.messages import taken_for
from agentos.chat.actions.opening import check_agent_available, check_agent_open
from agentos.chat.actions.runs import stop_run
from agentos.chat.files import bind, check_taken
from agentos.chat.live.revisions import lock
from agentos.chat.models import TEXTLESS, ChatSession, Run, RunEvent, RunFile
from agentos.chat.runs.claiming import begin
from agentos.chat.runs.ending import end_run
from agentos.core import clock

ERASE_AFTER = timedelta(minutes=5)
BATCH = 200

Message = dict[str, str]  # role (user or assistant) and content


def start(
    *,
    agent: DjangoAgent,
    message: str,
    history: Sequence[Message],
    context: dict[str, Any],
    by: User,
    options: dict[str, Any] | None = None,
    effort: str = "",
    files: Sequence[str] = (),
) -> Run:
    """Store a run that answers ``message`` after ``history``. Raises AgentClosed, AgentUnavailable, InvalidInput, TooMuch, QuotaReached.

    The caller hands it to ``discard`` when the answer is delivered, or not wanted any more.
    """
    limits.check_send(by)
    with transaction.atomic():
        check_agent_open(agent, by)
        check_agent_available(agent)
        quotas.check(by, agent)
        how: dict[str, Any] = {"context": context, "options": options or {}, "effort": effort_with(agent, agent.model, effort)}
        taken = taken_for(by, files)
        check_taken(agent, agent.model, taken)
        run = begin_run(agent=agent, by=by, history=history, input=message, **how)
        bind(run=run, attachments=taken)
        record("chat.message.sent", by=by, object_type="run", object_id=run.run_id, agent=agent.agent_id, ephemeral=True)
    return run


def begin_run(*, agent: DjangoAgent, by: User, history: Sequence[Message], turn: int = 1, **said: Any) -> Run:
    """In the caller's transaction, once all has been looked at. ``said``: columns of the run."""
    session = ChatSession.objects.create(user=by, agent=agent, is_ephemeral=True, given_history=list(history), revision=1)
    run = Run(session=session, by=by, turn=turn, revision=1, **said)
    begin(run)
    run.save()
    return run


def given_turns(session: ChatSession) -> list[Turn]:
    """The given history in turns, which begin with what the user said: the model is shown a turn as a whole or not at all."""
    turns: list[Turn] = []
    for message in session.given_history:
        if message["role"] == "user" or not turns:
            turns.append(Turn(message="", answer="", messages=[]))
        turns[-1].messages.append(message)
    return turns


def discard(*, run_pk: int, by: User) -> None:
    """End an ephemeral run if it has not ended, and erase its texts."""
    run = Run.objects.select_related("session").filter(pk=run_pk, session__is_ephemeral=True).first()
    if run is None:
        return
    if run.is_open:
        stop_run(run=run, by=by)
    _erase(run.session_id)


def sweep() -> int:
    """Erase what its caller left behind: the texts of runs that ended a while ago, or that wait for an answer nobody can give."""
    still_working = Run.objects.filter(session=OuterRef("pk"), status__in=(Run.Status.QUEUED, Run.Status.RUNNING))
    left = ChatSession.objects.filter(~Exists(still_working), is_ephemeral=True, erased_at=None, updated_at__lt=clock.now() - ERASE_AFTER)
    found = Run.objects.filter(session__in=left.order_by("updated_at").values("pk")[:BATCH])
    rows = list(found.values_list("pk", "session_id"))
    for run_pk, session_pk in rows:
        end_run(run_pk=run_pk, event=Stopped())
        _erase(session_pk)
    return len(rows)


def _erase(session_pk: int) -> None:
    with transaction.atomic():
        session = lock(session_pk)
        run = Run.objects.filter(session=session, status__in=Run.ENDED).first()
        if run is None or session.erased_at:
            return
        RunEvent.objects.filter(run=run).delete()
        RunFile.objects.filter(run=run).delete()
        Run.objects.filter(pk=run.pk).update(**TEXTLESS)
        ChatSession.objects.filter(pk=session.pk).update(given_history=[], erased_at=clock.now())
        record("chat.run.erased", by=None, object_type="run", object_id=run.run_id)
