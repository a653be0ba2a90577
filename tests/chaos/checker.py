"""Reads the database after the storm and counts what must be zero."""

import time
from collections import Counter

from tests.chaos.history import History, words_of

SETTLE_SECONDS = 60  # by then every run has ended, whatever killed it


def settle() -> None:
    """Wait until no run is open, or the promised time is over."""
    from agentos.chat.models import Run

    over = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < over and Run.objects.filter(status__in=Run.OPEN).exclude(status=Run.Status.WAITING).exists():
        time.sleep(0.5)


def check(history: History, expected: dict[str, str]) -> dict[str, int]:
    """Return the faults that were found, by name. ``expected``: the full answer of each agent's model."""
    from agentos.chat.models import Run

    runs = list(Run.objects.select_related("session__agent").prefetch_related("events"))
    times = Counter(run.input for run in runs)
    full = {agent: words_of(answer) for agent, answer in expected.items()}
    found: Counter[str] = Counter(dict.fromkeys(("lost", "duplicated", "stuck", "changed", "taken back", "tools run twice", "ends"), 0))
    found["lost"] = sum(message.acked and not times[message.text] for message in history.sent.values())
    found["duplicated"] = sum(count - 1 for count in times.values())
    for run in runs:
        words = words_of(run.answer)
        found["stuck"] += run.status in (Run.Status.QUEUED, Run.Status.RUNNING)
        whole = full[run.session.agent.agent_id]
        found["changed"] += words != whole[: len(words)] or (run.status == Run.Status.COMPLETED and words != whole)
        seen = history.seen.get(run.input, [])
        found["taken back"] += seen != words[: len(seen)]
        calls = Counter(part["call_id"] for part in run.parts if part["kind"] == "tool")
        found["tools run twice"] += sum(count - 1 for count in calls.values())
        ends = [event for event in run.events.all() if event.kind in ("finished", "failed", "stopped", "interrupted")]
        found["ends"] += run.status in Run.ENDED and not run.is_hidden and len(ends) != 1
    return dict(found)
