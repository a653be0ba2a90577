"""Registers the app."""

from importlib import import_module

from django.apps import AppConfig

from agentos.core.ratelimit import limits


class AccessConfig(AppConfig):
    name = "agentos.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.access.signals")
        import_module("agentos.access.checks")
        limits.use_table(import_module("agentos.access.counting").TableCounter())
