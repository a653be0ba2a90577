"""How the runs of this process ended last: whether the models behind the agents can be reached is known from that, and costs nothing."""

import time
from typing import Any

from django.db import transaction

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
    if name in {"run.completed", "run.failed"}:
        transaction.on_commit(lambda: _ended(session.agent_id, run.error_code))


def _ended(agent_pk: int, code: str) -> None:
    _Last.ends[agent_pk] = (time.monotonic(), code not in OUT_OF_REACH)
