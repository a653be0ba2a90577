"""Tells Django of the room, and connects what keeps service identities from signing in."""

from importlib import import_module

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "agentos.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        import_module("agentos.webhooks.signals")
