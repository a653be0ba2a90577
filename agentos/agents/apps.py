"""Registers the app."""

from importlib import import_module

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agentos.agents"
    label = "agents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.agents.signals")
        import_module("agentos.agents.checks")
        import_module("agentos.agents.tools.catalogue").sources.append(import_module("agentos.agents.tools.remote").source)
