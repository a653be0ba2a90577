"""The audit record: append-only."""

from django.conf import settings
from django.db import models


class AuditRecord(models.Model):
    """One change. ``actor`` is empty when the system itself acted (a reaper, a start of the server)."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    verb = models.CharField(max_length=64, db_index=True, help_text="room.noun.past, for example chat.run.started")
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64, db_index=True)
    data = models.JSONField(default=dict, blank=True, help_text="Names of what changed; never a message's text or a secret.")

    class Meta:
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_id}"
