"""Registers the app, which a project with accounts of its own does not have."""

from importlib import import_module

from django.apps import AppConfig

from agentos.access import guards


class AccountsConfig(AppConfig):
    name = "agentos.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for module in ("signals", "checks"):
            import_module(f"agentos.accounts.{module}")
        guards.ask_of_operators(import_module("agentos.accounts.factors").factor_first)
