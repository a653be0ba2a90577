"""Reads the database after the storm and counts what must be zero."""

import time
from collections import Counter
from typing import Any

from tests.chaos import ledger
from tests.chaos.history import History, words_of

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
    """Hold what the tools did against what is said of them, and against what people allowed. No script calls two tools in a run."""
    calls = ledger.calls()
    done = Counter(run_id for run_id, _, _ in calls.elements())
    found["tools run twice"] = sum(count - 1 for count in done.values())
    letters = [run_id for run_id, _, name in calls if name == "post_letter"]
    found["tools run unasked"] = sum("yes" not in history.answers.get(run_id, ()) for run_id in letters)
    for run in runs:
        shown = [part["call_id"] for part in run.parts if part["kind"] == "tool"]
        found["tools run twice"] += len(shown) - len(set(shown))
        claimed = any(part["kind"] == "tool" and part["status"] == "finished" for part in run.parts)
        approved = history.answers.get(run.run_id) == {"yes"} and run.status == run.Status.COMPLETED
        found["tools not run"] += (claimed or approved) and not done[run.run_id]
