"""Budgets that the site's operators set."""

from django.db import transaction

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import budgets
from agentos.chat.usage_models import Budget


@transaction.atomic
def set_budget(
    *, of: str, whose: User | Team | DjangoAgent | None = None, micro_a_month: int, is_hard: bool = True, by: User | None
) -> Budget:
    """Say how much may be spent in a month. There is one of each: another one takes its place. ``whose``: the person, team or agent."""
    kind = Budget.Of(of)
    column = {Budget.Of.PERSON: "user", Budget.Of.TEAM: "team", Budget.Of.AGENT: "agent"}.get(kind)
    key = f"{kind.value}:{whose.pk}" if column and whose else kind.value
    numbers = {"micro_a_month": micro_a_month, "is_hard": is_hard}
    budget, _is_new = Budget.objects.update_or_create(key=key, defaults={"of": kind, **({column: whose} if column else {}), **numbers})
    record("chat.budget.set", by=by, object_type="budget", object_id=key, **numbers)
    transaction.on_commit(budgets.forget)
    return budget


@transaction.atomic
def delete_budget(*, budget: Budget, by: User | None) -> None:
    record("chat.budget.deleted", by=by, object_type="budget", object_id=budget.key)
    budget.delete()
    transaction.on_commit(budgets.forget)
