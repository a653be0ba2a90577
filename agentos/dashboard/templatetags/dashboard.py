"""What pages say about models: ``{% load dashboard %}``."""

from django import template

from agentos.agents import queries

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
