"""Registers the app."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "agentos.files"
    label = "files"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from agentos.files import checks, holding  # noqa: F401, PLC0415 - needs all models

        holding.watch()
