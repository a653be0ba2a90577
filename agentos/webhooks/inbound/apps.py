"""Registers the app, and connects what keeps service identities from signing in."""

from importlib import import_module

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "agentos.webhooks.inbound"
    label = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.webhooks.inbound.signals")
