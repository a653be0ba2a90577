"""Budgets of dollars a month: of the site, of each person, of one, of a team's agents, of an agent.

Asked in the transaction that starts a run, while the rows of the budgets that count are held: whoever sends at the same moment waits, and
sees that run. What an answer will cost nobody knows before its end, so one that is on its way counts as much as answers cost on average in
this month and the last. A budget is passed by as much as the answers on their way cost more than that, and by no more.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from agentos.access.models import Team
from agentos.access.team_queries import with_address
from agentos.access.users import User
from agentos.agents import prices
from agentos.agents.models import DjangoAgent
from agentos.chat.errors import BudgetReached
from agentos.chat.models import IS_OPEN, Run
from agentos.chat.usage_models import Budget, MonthlyUsage
from agentos.core import clock, metrics

SCARCE = 80  # percent: from here on people are told
SECONDS = 10.0  # until a budget that another process has made counts here, where there was none


class _Known:
    has_some = False
    until = 0.0


@dataclass(frozen=True, slots=True)
class Spent:
    """A budget and what is used of it. ``expected``: what the answers on their way have cost so far, or will cost, by the average."""

    budget: Budget
    micro: int
    expected: int = 0

    @property
    def limit(self) -> int:
        return self.budget.micro_a_month

    @property
    def percent(self) -> int:
        return min(100, self.micro * 100 // self.limit) if self.limit else 100

    @property
    def is_used_up(self) -> bool:
        return self.micro + self.expected >= self.limit

    @property
    def is_scarce(self) -> bool:
        return (self.micro + self.expected) * 100 >= self.limit * SCARCE

    @property
    def amounts(self) -> dict[str, str]:
        return {"used": prices.in_words(self.micro, prices.USD), "limit": prices.in_words(self.limit, prices.USD)}

    @property
    def whose(self) -> str:
        """What people call it who are told of it."""
        names = {
            Budget.Of.SITE: _("The budget of this site"),
            Budget.Of.TEAM: _("The budget of the agents of team %(team)s") % {"team": self.budget.team},
            Budget.Of.AGENT: _("The budget of this agent"),
        }
        return str(names.get(Budget.Of(self.budget.of), _("Your budget")))

    @property
    def warning(self) -> str:
        """What the composer says before it is used up, and when it is."""
        if self.is_used_up and self.budget.is_hard:
            return refusal(self)
        said = {"whose": self.whose, "percent": self.percent}
        return _("%(whose)s for this month is nearly used up: %(percent)s percent of it are spent.") % said


def check(by: User, agent: DjangoAgent) -> None:
    """Raise BudgetReached when no answer of this agent may begin for this user now. No query while there is no budget."""
    if not has_some():
        return
    budgets = _that_count(by, agent)
    held = Budget.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=[budget.pk for budget in budgets]).order_by("pk")
    list(held.values_list("pk"))
    for spent in _spent(budgets, by, agent):
        if spent.is_used_up and spent.budget.is_hard:
            metrics.LIMITS.labels(f"budget_{spent.budget.of}").inc()
            raise BudgetReached(refusal(spent))


def warnings(by: User, agent: DjangoAgent) -> list[str]:
    """Return what this user is told beside the composer; nothing, and for no query, while there is no budget."""
    return [spent.warning for spent in _spent(_that_count(by, agent), by, agent) if spent.is_scarce] if has_some() else []


def counting_for(by: User, agent: DjangoAgent) -> list[Spent]:
    """Return the budgets that an answer of this agent counts for."""
    return _spent(_that_count(by, agent), by, agent)


def of_person(user: User) -> list[Spent]:
    """Return the budget of one person, if there is one."""
    return _spent(_of_people(_those(Q(of=Budget.Of.EACH) | Q(user=user.pk))), user, None)


def of_team(team: Team) -> list[Spent]:
    return _spent(_those(Q(team=team.pk)), None, None)


def of_site() -> list[Spent]:
    return _spent(_those(Q(of=Budget.Of.SITE)), None, None)


def all_budgets() -> list[Spent]:
    """Return each with what is used of it; of what each person has, nobody's."""
    return [*_spent(_those(~Q(of=Budget.Of.EACH)), None, None), *(Spent(budget, 0) for budget in _those(Q(of=Budget.Of.EACH)))]


def budget_with_key(pk: int) -> Budget | None:
    return Budget.objects.filter(pk=pk).first()


def whose(of: str, name: str) -> User | Team | DjangoAgent | None:
    """Return the person with this address, the team of this name or the agent with this id."""
    if of == Budget.Of.PERSON:
        return with_address(name.lower())
    return Team.objects.filter(name=name).first() if of == Budget.Of.TEAM else DjangoAgent.objects.filter(agent_id=name).first()


def forget() -> None:
    _Known.until = 0.0


def refusal(spent: Spent) -> str:
    following = (month() + timedelta(days=32)).replace(day=1)
    said = {"whose": spent.whose, "day": date_format(following, "j F")}
    return _("%(whose)s for this month is used up. There is a new one on %(day)s. Ask your administrator for more.") % said


def has_some() -> bool:
    """Whether there is any budget. No query but every few seconds."""
    now = time.monotonic()
    if _Known.until <= now:
        _Known.has_some, _Known.until = Budget.objects.exists(), now + SECONDS
    return _Known.has_some


def _that_count(by: User, agent: DjangoAgent) -> list[Budget]:
    wanted = Q(of=Budget.Of.SITE) | Q(of=Budget.Of.EACH) | Q(user=by.pk) | Q(agent=agent.pk)
    if agent.team_id:
        wanted |= Q(team=agent.team_id)
    return _of_people(_those(wanted))


def _those(wanted: Q) -> list[Budget]:
    return list(Budget.objects.filter(wanted).select_related("team", "agent", "user").order_by("pk"))


def _of_people(budgets: Sequence[Budget]) -> list[Budget]:
    """A person's own stands in for that of each."""
    has_own = any(budget.of == Budget.Of.PERSON for budget in budgets)
    return [budget for budget in budgets if not (has_own and budget.of == Budget.Of.EACH)]


def _spent(budgets: Sequence[Budget], by: User | None, agent: DjangoAgent | None) -> list[Spent]:
    """One statement for each: an answer that ends meanwhile is on its way in it, or counted, and never both or neither."""
    found = []
    for budget in budgets:
        counted, on_their_way = _scope(budget, by)
        rows = MonthlyUsage.objects.filter(counted).order_by()
        last = month() - timedelta(days=1)
        this_month, both = rows.filter(day=month()), rows.filter(day__in=(month(), last.replace(day=1)))
        going = Run.objects.filter(on_their_way, IS_OPEN).order_by()
        parts = {
            "spent": _one(this_month, Sum("cost_micro")),
            "cost_of_all": _one(both, Sum("cost_micro")),
            "answers_of_all": _one(both, Sum("answers")),
            "going": _one(going, Count("pk")),
            "going_cost": _one(going, Sum("cost_micro")),
        }
        sums: Any = Budget.objects.filter(pk=budget.pk).order_by().values(**parts).first()
        if sums is not None:  # deleted meanwhile
            usual = sums["cost_of_all"] // sums["answers_of_all"] if sums["answers_of_all"] else 0
            found.append(Spent(budget, sums["spent"], max(sums["going_cost"], sums["going"] * usual)))
    return found


def _one(rows: QuerySet[Any], sum_of: Any) -> Coalesce:
    return Coalesce(Subquery(rows.annotate(one=Value(1)).values("one").annotate(n=sum_of).values("n")), 0)


def _scope(budget: Budget, by: User | None) -> tuple[Q, Q]:
    """What is counted for it, and which runs that are on their way."""
    if budget.of in {Budget.Of.PERSON, Budget.Of.EACH}:
        pk = budget.user_id or (by.pk if by else None)
        return Q(user=pk), Q(by=pk)
    if budget.of == Budget.Of.TEAM:
        return Q(team=budget.team_id), Q(session__agent__team=budget.team_id)
    if budget.of == Budget.Of.AGENT:
        return Q(agent=budget.agent_id), Q(session__agent=budget.agent_id)
    return Q(), Q()


def month() -> date:
    """The first day of this one."""
    return timezone.localdate(clock.now()).replace(day=1)
