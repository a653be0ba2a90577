"""How the runs of this process end: counted for the figures, and remembered, since it says whether models can be reached."""

import time
from typing import Any

from django.db import transaction

from agentos.agents.failures import CODES
from agentos.chat.models import Run
from agentos.core import metrics
from agentos.core.events import happened

# What says that no message would be answered now, whoever sends it.
OUT_OF_REACH = frozenset({"model_unreachable", "model_silent", "model_auth", "model_quota", "model_missing"})
REMEMBERED = 600.0  # seconds


class _Last:
    """Of an agent, by its key: when a run of it last ended, and whether its model was reached."""

    ends: dict[int, tuple[float, bool]] = {}  # noqa: RUF012


def listen() -> None:
    happened.connect(_heard, dispatch_uid="agentos.operations.outcomes")


def models() -> str:
    """Return "ok", "failing" when the last run of some agent did not reach its model, "unknown" when nothing has run lately."""
    since = time.monotonic() - REMEMBERED
    lately = [reached for at, reached in list(_Last.ends.values()) if at >= since]
    return "unknown" if not lately else "ok" if all(lately) else "failing"


def forget() -> None:
    _Last.ends.clear()


def _heard(name: str, session: Any, run: Any, **_more: Any) -> None:
    if name.startswith("run."):
        transaction.on_commit(lambda: _ended(session.agent_id, run))


def _ended(agent_pk: int, run: Run) -> None:
    metrics.RUNS.labels(run.status).inc()
    if run.status == Run.Status.WAITING:  # it goes on, and counts when it has ended
        return
    metrics.TOKENS.labels("input").inc(run.input_tokens)
    metrics.TOKENS.labels("output").inc(run.output_tokens)
    if run.first_token_at:
        metrics.FIRST_TOKEN.observe(max(0.0, (run.first_token_at - run.created_at).total_seconds()))
    if run.seconds is not None:
        metrics.RUN_SECONDS.labels(run.status).observe(max(0.0, run.seconds))
    if run.status == Run.Status.FAILED:
        metrics.RUN_ERRORS.labels(run.error_code if run.error_code in CODES else "other").inc()
    if run.status in {Run.Status.COMPLETED, Run.Status.FAILED}:
        _Last.ends[agent_pk] = (time.monotonic(), run.error_code not in OUT_OF_REACH)
