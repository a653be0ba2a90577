"""What pages say about models and quotas: ``{% load dashboard %}``."""

from django import template

from agentos.access.models import User
from agentos.agents import queries
from agentos.chat import quotas

register = template.Library()

NOTES = {"scripted": "Scripted", "local": "Small demo model"}


@register.filter
def model_label(model: str) -> str:
    """Return the name of a model as people know it."""
    return queries.model_label(model)


@register.filter
def model_note(model: str) -> str:
    """Return what somebody should know before they trust a model's answers; empty for most."""
    return NOTES.get(model.partition(":")[0], "")


@register.simple_tag
def used_quotas(user: object) -> list[quotas.Meter]:
    return quotas.meters(user) if isinstance(user, User) else []
