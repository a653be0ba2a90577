"""Registers the app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "agentos.chat"
    label = "chat"
    default_auto_field = "django.db.models.BigAutoField"
