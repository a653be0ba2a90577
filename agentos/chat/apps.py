"""Tells Django of the room."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "agentos.chat"
    label = "chat"
