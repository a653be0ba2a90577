"""Tells Django of the room."""

from importlib import import_module

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "agentos.gateway"
    label = "gateway"

    def ready(self) -> None:
        import_module("agentos.gateway.checks")
