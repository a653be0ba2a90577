"""Registers the app, and lets it hear of what happens to chats."""

from django.apps import AppConfig


class OutboundConfig(AppConfig):
    name = "agentos.webhooks.outbound"
    label = "webhooks_outgoing"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Outgoing webhooks"

    def ready(self) -> None:
        from agentos.webhooks.outbound import receivers  # noqa: F401, PLC0415 - connects itself, once the models are there
