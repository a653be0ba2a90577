"""Registers the app, and listens to what happens to runs."""

from importlib import import_module

from django.apps import AppConfig

from agentos.core.starting import welcome


class OperationsConfig(AppConfig):
    name = "agentos.operations"
    label = "operations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.operations.outcomes").listen()
        welcome.use(import_module("agentos.operations.links").first_account)
