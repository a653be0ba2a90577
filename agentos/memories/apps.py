"""Registers the app, and its tool."""

from importlib import import_module

from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "agentos.memories"
    label = "memories"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.agents.tools.catalogue").sources.append(import_module("agentos.memories.tool").source)
