"""What a user's plans allow, against what their answers have used.

Counted in the transaction that starts a run, while the user's row is held: fifty sends at once do not count past each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _

from agentos.access.adapters import access
from agentos.access.allowances import Allowance
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat import budgets
from agentos.chat.errors import QueueFull, QuotaReached
from agentos.chat.models import IS_OPEN, Run
from agentos.chat.usage_models import MonthlyUsage, Usage
from agentos.conf import EXTERNAL, app_settings
from agentos.core import clock, metrics

SCARCE = 80  # percent of an allowance: from here on composer and usage page say what is left
COPIED = Q(session__forked_at_turn__isnull=False, turn__lte=F("session__forked_at_turn"), retry_of__isnull=True)
WITHDRAWN = Q(is_hidden=True, status=Run.Status.STOPPED, attempt=0)
AT_ONCE = (Run.Status.QUEUED, Run.Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of one allowance is used. ``noun`` and ``period`` are words: answers, today."""

    kind: str
    used: int
    limit: int
    noun: str
    period: str

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def is_scarce(self) -> bool:
        return self.used * 100 >= self.limit * SCARCE

    @property
    def is_warned_of(self) -> bool:
        """Whether people are told: of answers at once there are enough again in a minute."""
        return self.is_scarce and self.kind != "concurrent_runs"


def check(user: User, agent: DjangoAgent) -> None:
    """Raises QuotaReached, or BudgetReached, when this user may not start an answer of the agent now. No query for whom nothing is limited.

    Call it in the transaction that starts the run. Raises QueueFull when the workers are so far behind that it would wait for long.
    """
    if app_settings.WORKERS == EXTERNAL:
        _check_queue()
    budgets.check(user, agent)
    allowance = access().allowance(user)
    if not allowance.is_limited:
        return
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    for meter in _meters(user, allowance):
        if not meter.left:
            metrics.LIMITS.labels(meter.kind).inc()
            raise QuotaReached(_sentence(meter, allowance))


def _check_queue() -> None:
    """What is accepted is answered: more than the workers can see to is not accepted."""
    waiting = Run.objects.filter(IS_OPEN, status=Run.Status.QUEUED).order_by()[: app_settings.QUEUE_LIMIT].count()
    if waiting >= app_settings.QUEUE_LIMIT:
        raise QueueFull(_("Too many messages are waiting for their answers now. Nothing was sent: try again in a minute."))


def meters(user: User) -> list[Meter]:
    """Return how much this user has used of what is limited for them; nothing, and for no query, when nothing is."""
    allowance = access().allowance(user)
    return _meters(user, allowance) if allowance.is_limited else []


def scarce(user: User) -> list[Meter]:
    """Return what will be used up soon."""
    return [meter for meter in meters(user) if meter.is_warned_of]


def counted(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Those that asked a model, or will: neither a fork's copies nor what was withdrawn before it started."""
    return runs.exclude(COPIED).exclude(WITHDRAWN)


def _meters(user: User, allowance: Allowance) -> list[Meter]:
    """One statement: an answer that ends meanwhile is still open in it, or counted already, and never both or neither."""
    today, month = midnight(), _month()
    is_open = counted(Run.objects.filter(IS_OPEN, by=user)).order_by().values("by")
    tokens = Sum(F("input_tokens") + F("output_tokens"))
    parts = {
        "used_runs": Usage.objects.filter(user=user, day=today.date()).order_by().values("user").annotate(n=Sum("answers")),
        "used_open": is_open.filter(created_at__gte=today).annotate(n=Count("pk")),
        "used_tokens": MonthlyUsage.objects.filter(user=user, day=month.date()).order_by().values("user").annotate(n=tokens),
        "used_open_tokens": is_open.filter(created_at__gte=month).annotate(n=tokens),
        "used_at_once": is_open.filter(status__in=AT_ONCE).annotate(n=Count("pk")),
    }
    sums = {name: Coalesce(Subquery(part.values("n")), 0) for name, part in parts.items()}
    used: dict[str, Any] = dict(User.objects.filter(pk=user.pk).order_by().values(**sums).get())
    found = []
    if allowance.runs_a_day is not None:
        found.append(Meter("runs_a_day", used["used_runs"] + used["used_open"], allowance.runs_a_day, "answers", "today"))
    if allowance.tokens_a_month is not None:
        read_and_written = used["used_tokens"] + used["used_open_tokens"]
        found.append(Meter("tokens_a_month", read_and_written, allowance.tokens_a_month, "tokens", "this month"))
    if allowance.concurrent_runs is not None:
        found.append(Meter("concurrent_runs", used["used_at_once"], allowance.concurrent_runs, "answers", "at once"))
    return found


def _sentence(meter: Meter, allowance: Allowance) -> str:
    """What is used up, when there is more again, and what opens more."""
    who = f"your plan {allowance.plan}" if allowance.plan else "this site"
    if meter.kind == "concurrent_runs":
        used = f"{who[0].upper()}{who[1:]} allows {_amount(meter)} at once, and so many are on their way."
        again = "Wait for one to end, or stop one."
    elif meter.kind == "runs_a_day":
        tomorrow = midnight(clock.now() + timedelta(days=1))
        used = f"You have used the {_amount(meter)} that {who} allows a day."
        again = f"There are new ones at midnight, in {timeuntil(tomorrow, clock.now(), depth=1)}."
    else:
        used = f"You have used the {_amount(meter)} that {who} allows a month."
        again = f"There are new ones on {date_format(_next_month(), 'j F')}."
    plans = access().plans_beyond(meter.kind, meter.limit)
    more = f"More is in plan {' or '.join(plans)}." if plans else "Ask your administrator for more."
    return f"{used} {again} {more}"


def _amount(meter: Meter) -> str:
    return f"{meter.limit:,} {meter.noun.removesuffix('s') if meter.limit == 1 else meter.noun}"


def midnight(moment: datetime | None = None) -> datetime:
    """When the day of a moment, or this day, has begun."""
    return timezone.localtime(moment or clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)


def _month() -> datetime:
    return midnight().replace(day=1)


def _next_month() -> datetime:
    return (_month() + timedelta(days=32)).replace(day=1)
