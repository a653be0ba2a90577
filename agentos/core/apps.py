"""Registers the app, and the checks of our settings."""

from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "agentos.core"
    label = "agentos_core"

    def ready(self) -> None:
        import_module("agentos.conf.checks")
