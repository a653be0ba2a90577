"""Reads the database after the storm and counts what must be zero."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos import ledger
from tests.chaos.history import History, asked, words_of

SETTLE_SECONDS = 60  # by then every run has ended, whatever killed it
FAULTS = ("lost", "duplicated", "stuck", "changed", "taken back", "tools run twice", "tools run unasked", "tools not run", "ends")


def over_at() -> float:
    return time.monotonic() + SETTLE_SECONDS


def is_settled() -> bool:
    """Whether no run is open any more."""
    from agentos.chat.models import Run

    return not Run.objects.filter(status__in=Run.OPEN).exists()


def check(history: History, expected: dict[str, list[str]]) -> dict[str, int]:
    """Return the faults that were found, by name. ``expected``: the full answers that each agent's model can give."""
    from agentos.chat.models import Run

    runs = list(Run.objects.select_related("session__agent").prefetch_related("events"))
    times = Counter(run.input for run in runs)
    full = {agent: [words_of(answer) for answer in answers] for agent, answers in expected.items()}
    found: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    found["lost"] = sum(message.acked and not times[message.text] for message in history.sent.values())
    found["duplicated"] = sum(count - 1 for count in times.values())
    for run in runs:
        words = words_of(run.answer)
        found["stuck"] += run.status in Run.OPEN
        whole = full[run.session.agent.agent_id]
        begins = any(words == answer[: len(words)] for answer in whole)
        found["changed"] += not begins or (run.status == Run.Status.COMPLETED and words not in whole)
        seen = history.seen.get(run.input, [])
        found["taken back"] += seen != words[: len(seen)]
        ends = [event for event in run.events.all() if event.kind in ("finished", "failed", "stopped", "interrupted")]
        found["ends"] += run.status in Run.ENDED and not run.is_hidden and len(ends) != 1
    _check_tools(runs, history, found)
    return dict(found)


def _check_tools(runs: list[Any], history: History, found: Counter[str]) -> None:
    """Hold what the tools did against what is said of them, and against what people allowed. No script calls two tools in a run; in that
    of a team each member calls one."""
    calls = ledger.calls()
    done = Counter((run_id, agent_id) for run_id, agent_id, _ in calls.elements())
    found["tools run twice"] = sum(count - 1 for count in done.values())
    letters = {(run_id, agent_id) for run_id, agent_id, name in calls if name == "post_letter"}
    for run in runs:
        own = run.session.agent.agent_id
        shown = list(_calls_in(run.parts, own))
        found["tools run twice"] += len(shown) - len({part["call_id"] for _, part in shown})
        for agent_id in {by for by, _ in shown} | {by for run_id, by in letters if run_id == run.run_id} | {own}:
            parts = [part for by, part in shown if by == agent_id]
            said = _said(history, run.run_id, parts)
            # What was cut off before it was told is held against all that was said to its run.
            may = said or set().union(*(each for name, each in history.answers.items() if name.startswith(run.run_id)))
            found["tools run unasked"] += (run.run_id, agent_id) in letters and "yes" not in may
            claimed = any(part["status"] == "finished" for part in parts)
            approved = said == {"yes"} and run.status == run.Status.COMPLETED
            found["tools not run"] += (claimed or approved) and not done[run.run_id, agent_id]


def _calls_in(parts: list[dict[str, Any]], by: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls of a run, with who made them."""
    for part in parts:
        if part["kind"] == "delegation":
            yield from _calls_in(part["parts"], part["by"])
        elif part["kind"] == "tool":
            yield by, part


def _said(history: History, run_id: str, parts: list[dict[str, Any]]) -> set[str]:
    """What people may have said to these calls: where a run asked one thing, to that."""
    each = (history.answers.get(asked(run_id, part["call_id"]), set()) for part in parts)
    return history.answers.get(asked(run_id), set()).union(*each)
