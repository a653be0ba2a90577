"""Registers the app."""

from importlib import import_module

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "agentos.gateway"
    label = "gateway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.gateway.checks")
