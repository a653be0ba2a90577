"""Tells Django of the room."""

from importlib import import_module

from django.apps import AppConfig

from agentos.core import limits


class AccessConfig(AppConfig):
    name = "agentos.access"
    label = "access"

    def ready(self) -> None:
        import_module("agentos.access.signals")
        import_module("agentos.access.checks")
        limits.use_table(import_module("agentos.access.counting").TableCounter())
