"""Tells Django of the room."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "agentos.audit"
    label = "audit"
