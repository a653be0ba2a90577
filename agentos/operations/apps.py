"""Registers the app, and listens to what happens to runs."""

from importlib import import_module

from django.apps import AppConfig

from agentos.core.starting import beside, welcome


class OperationsConfig(AppConfig):
    name = "agentos.operations"
    label = "operations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.operations.outcomes").listen()
        beside.use(lambda is_working: import_module("agentos.operations.watched").Watched(is_working))
        welcome.use(import_module("agentos.operations.links").first_account)
