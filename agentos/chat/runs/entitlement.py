"""Runs that may not go on: their person was suspended, or may not use the agent any more.

A run belongs to its person, not to the request, tab or token that began it: a token that is revoked ends what its programs hear, and
the answer is finished for its person. Whoever drives runs looks every few seconds, so that nothing goes on for longer than that.
"""

from datetime import datetime

from agentos.access import rights
from agentos.access.adapters import access
from agentos.agents.queries import may_try, may_use
from agentos.chat.actions.runs import stop_run
from agentos.chat.models import IS_OPEN, Run
from agentos.core import clock

HEAVY = ("input", "answer", "parts", "messages", "agno_output", "session__given_history")  # columns that nobody looks at here
UNKNOWN = -1  # no version of the rights is this
SUSPENDED, CLOSED = "suspended", "agent_closed"  # of agents.failures


class RunRights:
    """``version``: of the rights that were looked at. Rights to agents are asked about when they have changed, suspensions every time."""

    def __init__(self) -> None:
        self.version = UNKNOWN
        self.next_end: datetime | None = None  # when time alone changes the rights of this version

    def is_behind(self) -> bool:
        """Whether an end by time has come, which ``end_of_time`` has to count."""
        return self.next_end is not None and self.next_end <= clock.now()

    def end_of_time(self) -> None:
        rights.ended(self.version)

    def lost(self) -> list[tuple[int, str]]:
        """Return the open runs that may not go on, each with the code that says why."""
        found = Run.objects.filter(IS_OPEN).order_by()
        lost = [(pk, SUSPENDED) for pk in found.filter(session__user__is_active=False).values_list("pk", flat=True)]
        now, version = clock.now(), rights.version()
        if version != self.version:
            next_end = access().next_end(now)  # before anybody is asked: an end that comes meanwhile is asked about again
            lost += _closed(list(found.filter(session__user__is_active=True).select_related("session").defer(*HEAVY)))
            self.version, self.next_end = version, next_end
        return lost


def _closed(runs: list[Run]) -> list[tuple[int, str]]:
    pairs = {_rights(run) for run in runs}
    barred = {(user, agent, is_trial) for user, agent, is_trial in pairs if not (may_try if is_trial else may_use)(user, agent)}
    return [(run.pk, CLOSED) for run in runs if _rights(run) in barred]


def _rights(run: Run) -> tuple[int, int, bool]:
    """Of whom to which agent, and whether to its draft."""
    return run.session.user_id, run.session.agent_id, "blueprint" in run.options


def stop(run_pk: int, code: str) -> None:
    """End a run that may not go on; what was said is kept, and the page says why."""
    if run := Run.objects.filter(IS_OPEN, pk=run_pk).first():
        stop_run(run=run, by=None, code=code)
