"""Registers the app."""

from django.apps import AppConfig


class SkillsConfig(AppConfig):
    name = "agentos.skills"
    label = "skills"
    default_auto_field = "django.db.models.BigAutoField"
