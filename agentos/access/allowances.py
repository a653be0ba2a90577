"""How much a user may use: what their plans allow, or the site for those without a plan.

Asked at every send, so it is remembered in this process and costs no query. A change of plans or subscriptions is noticed at its
commit by the process that made it, and by others within seconds.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from agentos.access import rights
from agentos.access.models import Plan, Subscription
from agentos.access.users import User
from agentos.conf import app_settings
from agentos.core import clock
from agentos.core.db.prepared import Query

SECONDS = 10.0  # until a change that another process made is noticed
LIMITS = ("runs_a_day", "tokens_a_month", "concurrent_runs")


@dataclass(frozen=True, slots=True)
class Allowance:
    """None: no limit. ``plan`` names the plans that say so, empty for a user without one."""

    runs_a_day: int | None = None
    tokens_a_month: int | None = None
    concurrent_runs: int | None = None
    plan: str = ""

    @property
    def is_limited(self) -> bool:
        return any(getattr(self, name) is not None for name in LIMITS)


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    changes: int
    until: float


class _Memory:
    entries: dict[int | None, _Entry] = {}  # noqa: RUF012 - the process's own; None is the key for "does any plan limit"


UNLIMITED = Allowance()


def allowance_of(user: User) -> Allowance:
    """No query while no plan limits anything, and none for a user who was asked about lately."""
    if not _of_the_site().is_limited and not _recall(None, lambda: (bool(_LIMITING.rows()), None)):
        return UNLIMITED
    allowance: Allowance = _recall(user.pk, lambda: _read(user))
    return allowance


def forget() -> None:
    _Memory.entries.clear()


def plans_beyond(name: str, limit: int) -> list[str]:
    """Names of plans that allow more than ``limit`` of this, the smallest first."""
    more = Plan.objects.filter(Q(**{f"{name}__gt": limit}) | Q(**{f"{name}__isnull": True}))
    return list(more.order_by(name, "name").values_list("name", flat=True)[:3])


def _recall(key: int | None, read: Any) -> Any:
    """``read`` returns the value, and when it ends by itself if it does."""
    now = time.monotonic()
    known = _Memory.entries.get(key)
    if known and known.changes == rights.changes() and known.until > now:
        return known.value
    changes = rights.changes()  # before reading: what changes meanwhile makes this entry old
    value, end = read()
    seconds = min(SECONDS, (end - clock.now()).total_seconds()) if end else SECONDS
    _Memory.entries[key] = _Entry(value, changes, now + seconds)
    return value


def _read(user: User) -> tuple[Allowance, datetime | None]:
    running = Subscription.objects.running().held_by(user.pk).order_by("plan__name")
    rows = list(running.values("plan__name", "current_period_end", *_plan()))
    if not rows:
        return _of_the_site(), None
    ends = [row["current_period_end"] for row in rows if row["current_period_end"]]
    most = {name: _most([row[f"plan__{name}"] for row in rows]) for name in LIMITS}
    return Allowance(**most, plan=" and ".join(row["plan__name"] for row in rows)), min(ends, default=None)


def _most(values: list[int | None]) -> int | None:
    limits = [value for value in values if value is not None]
    return max(limits) if len(limits) == len(values) else None


def _of_the_site() -> Allowance:
    return Allowance(app_settings.RUNS_A_DAY or None, app_settings.TOKENS_A_MONTH or None, app_settings.CONCURRENT_RUNS or None)


def _limits() -> Q:
    return Q(runs_a_day__isnull=False) | Q(tokens_a_month__isnull=False) | Q(concurrent_runs__isnull=False)


_LIMITING = Query(lambda: Plan.objects.filter(_limits()).values_list("pk")[:1])


def _plan() -> list[str]:
    return [f"plan__{name}" for name in LIMITS]
