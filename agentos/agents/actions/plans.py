"""A plan, with the agents that it opens."""

from collections.abc import Iterable
from typing import Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.actions import PlanFields, save_plan
from agentos.access.models import Plan
from agentos.access.users import User
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.core.people import is_operator


@transaction.atomic
def open_to_plan(*, plan: Plan, agents: Iterable[DjangoAgent], by: User) -> None:
    """Let a plan open these agents and no others. Raises NotYourAgent for who is no operator, and for personal agents."""
    wanted = list(agents)
    if not is_operator(by):
        raise NotYourAgent(_("Only your administrator can open an agent to everyone, or to a plan."))
    if any(agent.owner_id is not None for agent in wanted):
        raise NotYourAgent(_("A personal agent is its owner's alone."))
    before = set(plan.agents.values_list("pk", flat=True))
    if before != {agent.pk for agent in wanted}:
        plan.agents.set(wanted)
        ids = sorted(agent.agent_id for agent in wanted)
        record("agents.plan.opens", by=by, object_type="plan", object_id=str(plan.pk), agents=ids)


@transaction.atomic
def write_plan(*, plan: Plan | None, agents: Iterable[DjangoAgent], by: User, **fields: Unpack[PlanFields]) -> Plan:
    """Change a plan and what it opens, or make one. Raises SameName, NotYourAgent."""
    saved = save_plan(plan=plan, by=by, **fields)
    open_to_plan(plan=saved, agents=agents, by=by)
    return saved
