"""Where a team wants to hear of what happens to chats with its agents, what it was sent, and how that went."""

from datetime import datetime

from django.db import models

from agentos.access.models import Team
from agentos.core import clock, ids
from agentos.core.db.literals import equal
from agentos.core.security.guarded_http.addresses import URL_LIMIT
from agentos.core.security.invisible import visible
from agentos.core.security.secrets import unseal

TEST = "webhook.test"  # the event of a test; nobody chooses it


def new_hook_id() -> str:
    return ids.new_id("hook")


def new_message_id() -> str:
    return ids.new_id("msg")


class Endpoint(models.Model):
    hook_id = models.CharField(max_length=40, unique=True, default=new_hook_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=80)
    url = models.CharField("URL", max_length=URL_LIMIT)
    events = models.JSONField(default=list, help_text="Names of core/events.py.")
    secret = models.TextField(editable=False, help_text="Sealed (core/security/secrets.py).")
    old_secret = models.TextField(blank=True, editable=False)
    old_secret_until = models.DateTimeField(null=True, blank=True, help_text="Until then messages are signed with the secret before, too.")
    is_enabled = models.BooleanField("on", default=True)
    off_because = models.CharField(max_length=200, blank=True, help_text="A sentence: who or what switched it off.")
    off_by_person = models.BooleanField(default=False, editable=False)
    off_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="The receiver asked for a pause until then.")
    succeeded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("team__name", "name", "pk")

    def __str__(self) -> str:
        return visible(self.name)

    @property
    def is_rotating(self) -> bool:
        return bool(self.old_secret and self.old_secret_until and clock.now() < self.old_secret_until)

    def secrets(self, now: datetime) -> list[str]:
        """What messages are signed with now, the newest first. Raises Unreadable."""
        sealed = [self.secret]
        if self.old_secret and self.old_secret_until and now < self.old_secret_until:
            sealed.append(self.old_secret)
        return [unseal(each) for each in sealed]


class Delivery(models.Model):
    """One message to one endpoint. Whoever sends it counts ``claims`` up and moves ``due_at`` to the end of its lease: should it
    die, the message is due again then, and what a late sender writes about its own claim changes nothing."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    message_id = models.CharField(max_length=40, unique=True, default=new_message_id, editable=False)
    # webhook_delivery_of_endpoint serves.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=40)
    body = models.TextField(help_text="JSON, as it is sent and signed.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    tries = models.PositiveIntegerField(default=0, help_text="Of the schedule; sending again begins a new one.")
    claims = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "deliveries"
        indexes = (
            models.Index(fields=("due_at",), name="webhook_delivery_due", condition=models.Q(status="pending")),
            models.Index(fields=("endpoint", "-id"), name="webhook_delivery_of_endpoint"),
            models.Index(fields=("created_at",), name="webhook_delivery_age"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"

    @property
    def is_first_try(self) -> bool:
        """About to be sent, or just being sent: the answer is a matter of seconds."""
        return self.status == self.Status.PENDING and not self.tries


IS_PENDING = equal("status", Delivery.Status.PENDING)  # the condition of webhook_delivery_due, for queries that must not read the others


class Attempt(models.Model):
    """One request and what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    seconds = models.FloatField()
    url = models.CharField(max_length=URL_LIMIT)
    headers = models.JSONField(default=dict, help_text="Of the request.")
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="The beginning of it.")
    error = models.CharField(max_length=300, blank=True, help_text="Why there is no answer.")

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.delivery} at {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300  # noqa: PLR2004 - HTTP's successes
