"""Its rule: the users of a group may use the agent that is called as the group is."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.db.models.signals import m2m_changed
from django.dispatch import receiver

from agentos.access.adapters import Access, rights_changed


class ByGroup(Access):
    def usable_agents(self, user: Any, agents: QuerySet[Any]) -> QuerySet[Any]:
        return agents.filter(agent_id__in=user.groups.values("name"))


@receiver(m2m_changed, sender=get_user_model().groups.through)
def group_changed(**_kwargs: Any) -> None:
    rights_changed()
