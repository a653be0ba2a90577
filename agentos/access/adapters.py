"""Who may use which agent, and how much: asked of one class, in whose place a project may put its own (``AGENTOS_ACCESS``).

Every page, call, stream and run asks here. What may be remembered of an answer is remembered under the version of everybody's rights
(``rights``). So whoever writes a class of their own calls ``rights_changed`` in the transaction in which somebody comes to may more or
less than before; until then, sending a message asks afresh, but lists, open streams and running answers go by what was.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from agentos.access import allowances, queries, rights
from agentos.access.allowances import Allowance
from agentos.access.models import Membership, Subscription
from agentos.access.users import User
from agentos.conf import app_settings

Agents = TypeVar("Agents", bound="QuerySet[Any]")

rights_changed = rights.changed


class Access:
    """Agents are for everyone, for a team, or for the holders of a plan; plans say how much.

    A class of another project overrides what is otherwise there. It need not look whether a user is suspended or an agent is switched
    off: neither is asked about.
    """

    def usable_agents(self, user: User, agents: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of ``agents`` that this user may use now. Nobody's personal agent is among them (``personal``)."""
        return by_team_and_plan(user.pk, agents)

    def locked_agents(self, user: User, agents: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of ``agents``, which this user may not use, that they are told of all the same, with ``what_opens`` them."""
        return agents.filter(Q(team__isnull=False) | Q(plans__isnull=False)).distinct()

    def what_opens(self, agent: Any) -> str:
        """Return the sentence on a locked card."""
        ways = []
        plans = [str(plan) for plan in agent.plans.all()]
        if plans:
            ways.append(f"Included in plan {' or '.join(plans)}")
        if agent.team:
            ways.append(f"{'ask' if ways else 'Ask'} to join team {agent.team}")
        return ", or ".join(ways)

    def why(self, user: User) -> Callable[[Any], str]:
        """Return what says in two words why this user may use an agent; it is asked for each one on a page."""
        teams = set(queries.teams_of(user).order_by().values_list("pk", flat=True))
        plans = set(queries.plans_of(user).order_by().values_list("pk", flat=True))

        def say(agent: Any) -> str:
            if agent.is_global:
                return "Everyone"
            if agent.team_id in teams:
                return f"Team {agent.team}"
            return next((f"Plan {plan}" for plan in agent.plans.all() if plan.pk in plans), "")

        return say

    def allowance(self, user: User) -> Allowance:
        """Return how much this user may use. Asked at every message."""
        return allowances.allowance_of(user)

    def plans_beyond(self, kind: str, limit: int) -> list[str]:
        """Return the names of what allows more than ``limit`` of a ``kind`` (``allowances.LIMITS``): it is offered to who has used all."""
        return allowances.plans_beyond(kind, limit)

    def next_end(self, after: datetime, user: User | None = None) -> datetime | None:
        """Return when next somebody's rights (this ``user``'s) end by time alone, which no ``rights_changed`` announces."""
        return queries.next_period_end(user) if user else rights.next_end(after)


def access() -> Access:
    """Return the class that this project has chosen, made once."""
    return _made(app_settings.ACCESS)


@cache
def _made(path: str) -> Access:
    made: Access = import_string(path)()
    return made


def is_default_rule() -> bool:
    """Whether agents are open by team and plan: then the statement that asks can be made once, whoever asks."""
    return type(access()).usable_agents is Access.usable_agents


def by_team_and_plan(user_pk: int, agents: Agents, at: datetime | None = None) -> Agents:
    teams = Membership.objects.filter(user=user_pk).values("team")
    plans = Subscription.objects.running(at).held_by(user_pk).values("plan")
    of_plans = agents.model.plans.through.objects.filter(plan__in=plans).values("djangoagent")
    return agents.filter(Q(owner=None) & (Q(is_global=True) | Q(team__in=teams) | Q(pk__in=of_plans)) | personal(user_pk))


def personal(user_pk: int) -> Q:
    """What says that an agent is this user's own, and that they are still in the team which lets them have it. Whatever class decides of
    all other agents, this one rule decides of those."""
    return Q(owner=user_pk, team__in=queries.teams_with_personal_agents(user_pk).order_by().values("pk"))
