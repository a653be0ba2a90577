"""Registers the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "agentos.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
