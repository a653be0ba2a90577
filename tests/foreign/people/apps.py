"""Tells Django of the app, and loads the rule of access with its signal."""

from importlib import import_module

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "tests.foreign.people"
    label = "people"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        import_module("tests.foreign.people.access")
