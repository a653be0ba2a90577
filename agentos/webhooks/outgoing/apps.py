"""Tells Django of the room, and lets it hear of what happens to chats."""

from django.apps import AppConfig


class OutgoingConfig(AppConfig):
    name = "agentos.webhooks.outgoing"
    label = "webhooks_outgoing"
    verbose_name = "Outgoing webhooks"

    def ready(self) -> None:
        from agentos.webhooks.outgoing import receivers  # noqa: F401, PLC0415 - connects itself, once the models are there
