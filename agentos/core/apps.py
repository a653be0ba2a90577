"""Tells Django of the room."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "agentos.core"
    label = "core"
