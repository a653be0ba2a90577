"""Registers the app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "agentos.api"
    label = "agentos_api"
