"""Counts the version of everybody's rights up whenever an agent, its members, or the plans that open it, change."""

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from agentos.access import rights
from agentos.agents.models import DjangoAgent, TeamMember


@receiver((post_save, post_delete), sender=DjangoAgent)
@receiver((post_save, post_delete), sender=TeamMember)
def agent_changed(**kwargs: Any) -> None:
    rights.changed()


@receiver(m2m_changed, sender=DjangoAgent.plans.through)
def plans_changed(action: str, **kwargs: Any) -> None:
    if action.startswith("post_"):
        rights.changed()
