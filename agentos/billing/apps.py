"""Registers the app."""

from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "agentos.billing"
    label = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("agentos.billing.signals")
