"""Tells Django of the room."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "agentos.api"
    label = "api"
