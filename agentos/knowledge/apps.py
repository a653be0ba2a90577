"""Registers the app."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "agentos.knowledge"
    label = "knowledge"
    default_auto_field = "django.db.models.BigAutoField"
