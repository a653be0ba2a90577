"""Registers the app."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "agentos.connections"
    label = "connections"
    default_auto_field = "django.db.models.BigAutoField"
