"""Tells Django of the room."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "agentos.dashboard"
    label = "dashboard"
