"""Tells Django of the room."""

from importlib import import_module

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agentos.agents"
    label = "agents"

    def ready(self) -> None:
        import_module("agentos.agents.signals")
        import_module("agentos.agents.checks")
