"""Tells Django of the room."""

from importlib import import_module

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "agentos.access"
    label = "access"

    def ready(self) -> None:
        import_module("agentos.access.signals")
