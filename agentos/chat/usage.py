"""What was used, and what it has cost: by day or month, agent, model and person, of one person, of a team's agents, or of the whole site.

Read from what is counted at the end of each answer (chat/counting.py), in six queries at most, however many people there are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from django.db.models import Model, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents import prices
from agentos.agents.models import DjangoAgent
from agentos.chat.counting import NUMBERS
from agentos.chat.usage_models import MonthlyUsage, Usage
from agentos.core import clock, people

SHOWN = 50  # agents, models or people in a table; a file has all


@dataclass(frozen=True, slots=True)
class Period:
    """``days``: each counts by itself. Without, the last twelve months do."""

    key: str
    label: Any
    days: int = 0

    @property
    def rows(self) -> type[Usage | MonthlyUsage]:
        return Usage if self.days else MonthlyUsage

    def steps(self) -> list[date]:
        """The days, or the first days of the months, the oldest first."""
        today = timezone.localdate(clock.now())
        if self.days:
            return [today - timedelta(days=back) for back in reversed(range(self.days))]
        months = [today.year * 12 + today.month - 1 - back for back in reversed(range(12))]
        return [date(month // 12, month % 12 + 1, 1) for month in months]


PERIODS: Mapping[str, Period] = MappingProxyType(
    {
        "30": Period("30", gettext_lazy("30 days"), 30),
        "90": Period("90", gettext_lazy("90 days"), 90),
        "year": Period("year", gettext_lazy("12 months")),
    }
)


@dataclass(slots=True)
class Used:
    """``key``: of an agent or a person, None of those that are gone; of a model its name. ``unpriced``: how often a model was asked at a
    price that nobody here knows, which is not in ``cost_micro``."""

    key: Any = None
    name: str = ""
    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_micro: int = 0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def is_nothing(self) -> bool:
        return not (self.answers or self.tokens or self.cost_micro)

    @property
    def cost(self) -> str:
        """In words; empty where nothing of it is known."""
        return "" if self.unpriced and not self.cost_micro else prices.in_words(self.cost_micro, prices.USD)


@dataclass(slots=True)
class Report:
    """``times``: every day or month of the period. The others: what cost most first, at most ``SHOWN``; ``more`` says how many are left
    out of each."""

    period: Period
    times: list[Used] = field(default_factory=list)
    total: Used = field(default_factory=Used)
    agents: list[Used] = field(default_factory=list)
    models: list[Used] = field(default_factory=list)
    people: list[Used] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)

    @property
    def newest_first(self) -> list[Used]:
        """The days or months in which there was something."""
        return [used for used in reversed(self.times) if not used.is_nothing]


def of_person(user: User) -> Q:
    return Q(user=user.pk)


def of_team(team: Team) -> Q:
    """What was asked of the team's agents, by whomever."""
    return Q(team=team.pk)


def of_all() -> Q:
    return Q()


def report(whose: Q, period: Period, *, with_people: bool) -> Report:
    steps = period.steps()
    rows = period.rows.objects.filter(whose, day__gte=steps[0]).order_by()
    by_day = {used.key: used for used in _by(rows, "day")}
    found = Report(period, [by_day.get(day) or Used(day) for day in steps])
    for used in found.times:
        for name in NUMBERS:
            setattr(found.total, name, getattr(found.total, name) + getattr(used, name))
    found.agents = _named(_most(found, "agents", _by(rows, "agent")), DjangoAgent, lambda agent: agent.name)
    found.models = _most(found, "models", _by(rows, "model"))
    for used in found.models:
        used.name = used.key
    if with_people:
        found.people = _named(_most(found, "people", _by(rows, "user")), User, people.name_of)
    return found


def this_month_by_model() -> list[Used]:
    month = timezone.localdate(clock.now()).replace(day=1)
    return _by(MonthlyUsage.objects.filter(day=month).order_by(), "model")


def _by(rows: QuerySet[Any], column: str) -> list[Used]:
    sums = rows.values_list(column).annotate(**{f"sum_{name}": Sum(name) for name in NUMBERS})
    return [Used(key, "", *map(int, numbers)) for key, *numbers in sums]


def _most(found: Report, what: str, rows: list[Used]) -> list[Used]:
    rows = sorted((used for used in rows if not used.is_nothing), key=lambda used: (-used.cost_micro, -used.answers, -used.tokens))
    found.more[what] = max(0, len(rows) - SHOWN)
    return rows[:SHOWN]


def _named(rows: list[Used], model: type[Model], name_of: Callable[[Any], str]) -> list[Used]:
    names = _names(model, (used.key for used in rows), name_of)
    for used in rows:
        used.name = names.get(used.key, "")
    return rows


def _names(model: type[Any], keys: Iterable[Any], name_of: Callable[[Any], str]) -> dict[int, str]:
    return {pk: name_of(row) for pk, row in model.objects.in_bulk([key for key in keys if key is not None]).items()}


def lines(whose: Q, period: Period) -> Iterator[tuple[Any, ...]]:
    """All that is counted: day or month, person, their address, agent, team, model and the ``NUMBERS``, the oldest first."""
    rows = period.rows.objects.filter(whose, day__gte=period.steps()[0]).order_by("day", "user", "agent", "model")
    persons = {
        user.pk: (people.name_of(user), people.address_of(user)) for user in User.objects.filter(pk__in=rows.order_by().values("user"))
    }
    agents = dict(DjangoAgent.objects.values_list("pk", "agent_id"))
    teams = dict(Team.objects.values_list("pk", "name"))
    for day, user, agent, team, model, *numbers in rows.values_list("day", "user", "agent", "team", "model", *NUMBERS).iterator(2000):
        yield day, *persons.get(user, ("", "")), agents.get(agent, ""), teams.get(team, ""), model, *numbers
