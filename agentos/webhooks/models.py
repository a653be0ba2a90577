"""What other systems sent."""

from django.db import models

from agentos.core import clock


class WebhookEvent(models.Model):
    """One event as it came. ``is_verified`` is only set for a valid signature; an unverified event never starts anything."""

    event = models.CharField(max_length=100, db_index=True)
    data = models.JSONField(default=dict, blank=True)
    source_address = models.GenericIPAddressField(null=True, blank=True)
    is_verified = models.BooleanField("verified", default=False)
    received_at = models.DateTimeField(default=clock.now, db_index=True, editable=False)

    class Meta:
        ordering = ("-received_at", "-pk")
        indexes = (models.Index(fields=("source_address", "received_at"), name="webhook_event_of_source"),)

    def __str__(self) -> str:
        return f"{self.event} at {self.received_at:%Y-%m-%d %H:%M}"


class WebhookInbox(models.Model):
    """One row, counted up by every event: whoever counts events holds it, so that limits are exact across processes."""

    received = models.PositiveBigIntegerField(default=0, help_text="Events ever taken in; the oldest unverified ones are dropped.")

    class Meta:
        verbose_name_plural = "webhook inbox"

    def __str__(self) -> str:
        return f"{self.received} events"
