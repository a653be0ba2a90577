"""A rule of another project: an agent is for the users of the group that is called as it is; everything else is as it was."""

from typing import Any

from django.db.models import QuerySet

from agentos.access.adapters import Access
from agentos.access.allowances import Allowance
from agentos.access.models import User


class ByGroup(Access):
    def usable_agents(self, user: User, agents: QuerySet[Any]) -> QuerySet[Any]:
        if user.is_superuser:  # of the row, which has to be here whole
            return agents
        return agents.filter(agent_id__in=user.groups.values("name"))

    def locked_agents(self, user: User, agents: QuerySet[Any]) -> QuerySet[Any]:
        return agents.filter(is_global=True)

    def what_opens(self, agent: Any) -> str:
        return f"Ask for the group {agent.agent_id}"

    def allowance(self, user: User) -> Allowance:
        return Allowance(runs_a_day=1, plan="groups")

    def plans_beyond(self, kind: str, limit: int) -> list[str]:
        return ["of a director"]


class Careless(Access):
    """Lets everybody use whatever there is."""

    def usable_agents(self, user: User, agents: QuerySet[Any]) -> QuerySet[Any]:
        model: Any = agents.model
        return model.objects.filter(plans__isnull=False) | model.objects.all()
