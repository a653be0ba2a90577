"""What other systems sent: the endpoints that they send to, the events, and the sessions that the events speak in."""

import json
from datetime import datetime

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from agentos.agents.models import DjangoAgent
from agentos.chat.models import TITLE_LIMIT, ChatSession, Run
from agentos.core import clock, ids
from agentos.core.security.invisible import visible
from agentos.core.security.secrets import unseal
from agentos.core.security.signatures import ID_LIMIT

SERVICE_DOMAIN = "service.invalid"  # of the addresses of service identities; no mail can ever be sent there (RFC 2606)
EVENT_LIMIT = 100  # characters
KEY_LIMIT = 200  # characters
PREAMBLE_LIMIT = 2000  # characters

is_path = RegexValidator(r"^[\w$@-]+(\.[\w$@-]+)*\Z", "Names with dots between them, for example data.text or items.0.id.")
are_events = RegexValidator(r"^[\w.:/*-]+(\s*,\s*[\w.:/*-]+)*\Z", "Names of events, with commas between them, or * for every event.")


def new_endpoint_id() -> str:
    return ids.new_id("endpoint")


class WebhookEndpoint(models.Model):
    """An address for one sender: whose events start runs of ``agent`` with the rights of ``identity``.

    The ``*_path`` fields are the mapping: where in the sender's JSON stands what (mapping.py).
    """

    endpoint_id = models.CharField(max_length=40, unique=True, default=new_endpoint_id, editable=False)
    name = models.CharField(max_length=80)
    agent = models.ForeignKey(DjangoAgent, on_delete=models.PROTECT, related_name="webhook_endpoints")
    identity = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="webhook_endpoint", help_text="Whose rights its runs have."
    )
    is_active = models.BooleanField("active", default=True, help_text="Off: its address answers as if it were not there.")
    event_path = models.CharField("event", max_length=200, default="event", validators=[is_path])
    message_path = models.CharField("message", max_length=200, default="data.text", validators=[is_path])
    key_path = models.CharField("session key", max_length=200, default="data.thread", blank=True, validators=[is_path])
    message_events = models.CharField("events that are a message", max_length=500, default="message_received", validators=[are_events])
    preamble = models.CharField("text before the message", max_length=PREAMBLE_LIMIT, blank=True)
    secret = models.TextField(help_text="Sealed (core/security/secrets.py).", editable=False)
    old_secret = models.TextField(blank=True, editable=False)
    old_secret_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Until then the secret before this one counts."
    )
    rejected = models.PositiveIntegerField(default=0, editable=False, help_text="Requests without a valid signature.")
    rejected_at = models.DateTimeField(null=True, blank=True, editable=False)
    rejected_because = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name", "pk")
        verbose_name = "webhook endpoint"

    def __str__(self) -> str:
        return visible(self.name)

    def secrets(self, now: datetime) -> list[str]:
        """What a sender may sign with now: the secret, and while rotating the one before it. Raises Unreadable."""
        sealed = [self.secret]
        if self.old_secret and self.old_secret_until and now < self.old_secret_until:
            sealed.append(self.old_secret)
        return [unseal(each) for each in sealed]


class WebhookEvent(models.Model):
    """One event as it came. ``is_verified`` is only set for a valid signature; an unverified event never starts anything."""

    class Status(models.TextChoices):
        UNVERIFIED = "unverified", "Unverified"
        ACCEPTED = "accepted", "Accepted"
        IGNORED = "ignored", "Ignored"
        REFUSED = "refused", "Refused"

    event = models.CharField(max_length=EVENT_LIMIT, db_index=True)
    data = models.JSONField(default=dict, blank=True, help_text="Of an unverified event.")
    source_address = models.GenericIPAddressField(null=True, blank=True)
    source_network = models.CharField(max_length=45, blank=True, editable=False)  # what the limit counts by: core.http.network_of
    is_verified = models.BooleanField("verified", default=False)
    received_at = models.DateTimeField(default=clock.now, db_index=True, editable=False)
    # webhook_event_of_endpoint serves.
    endpoint = models.ForeignKey(WebhookEndpoint, null=True, blank=True, on_delete=models.CASCADE, related_name="events", db_index=False)
    message_id = models.CharField(
        "webhook-id", max_length=ID_LIMIT, blank=True, help_text="The sender's id: what comes twice is done once."
    )
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True, help_text="Of a signed event, as it came.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.UNVERIFIED, db_index=True)
    outcome = models.CharField(max_length=500, blank=True, help_text="What it did, or why not.")
    session = models.ForeignKey(ChatSession, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    replay_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replays", db_index=False)

    class Meta:
        ordering = ("-received_at", "-pk")
        indexes = (
            models.Index(fields=("source_network", "received_at"), name="webhook_event_of_network"),
            models.Index(fields=("endpoint", "-received_at"), name="webhook_event_of_endpoint"),
            models.Index(fields=("replay_of",), name="webhook_event_replay", condition=models.Q(replay_of__isnull=False)),
        )
        constraints = (models.UniqueConstraint(fields=("endpoint", "message_id"), name="webhook_event_once"),)

    def __str__(self) -> str:
        return f"{visible(self.event) or 'event'} at {self.received_at:%Y-%m-%d %H:%M}"

    @property
    def header_lines(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.headers.items())

    @property
    def content(self) -> str:
        """What came, to be read: indented if it is JSON."""
        try:
            return json.dumps(json.loads(self.body) if self.body else self.data, indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.body


class WebhookSession(models.Model):
    """The session of one of the sender's keys: a thread, a ticket, a customer."""

    # webhook_session_once serves.
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    key = models.CharField(max_length=KEY_LIMIT)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("endpoint", "key"), name="webhook_session_once"),)

    def __str__(self) -> str:
        return visible(self.key[:TITLE_LIMIT])


class WebhookInbox(models.Model):
    """One row, counted up by every event: whoever counts events holds it, so that limits are exact across processes."""

    received = models.PositiveBigIntegerField(default=0, help_text="Events ever taken in; the oldest unverified ones are dropped.")

    class Meta:
        verbose_name_plural = "webhook inbox"

    def __str__(self) -> str:
        return f"{self.received} events"
