"""Registers the app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "agentos.dashboard"
    label = "agentos_dashboard"
