"""Providers of sign-ins that operators set up on a page, what their groups mean here, and accounts that are to be deleted."""

import re
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from agentos.access.models import Membership, Team
from agentos.core import clock

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Provider(models.Model):
    """A provider that speaks OpenID Connect. One more can come from the environment (accounts.providers)."""

    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(f"^{SLUG.pattern}$")],
        help_text="In the address that the provider leads back to.",
    )
    name = models.CharField(max_length=40, help_text="On the button of the sign-in page.")
    server_url = models.CharField(max_length=300, help_text="Its issuer, such as https://id.example.com.")
    client_id = models.CharField(max_length=190)
    secret = models.TextField(editable=False, help_text="The client's secret, sealed (core/security/secrets.py).")
    domains = models.JSONField(default=list, blank=True, help_text="Of which addresses it may tell. Empty: of any that it has verified.")
    can_sign_up = models.BooleanField(default=True, help_text="Whether whoever comes by it for the first time gets an account.")
    has_factor = models.BooleanField(default=False, help_text="It asks for a second factor itself: ours is not asked for then.")
    groups_claim = models.CharField(max_length=100, blank=True, default="groups")
    must_be_listed = models.BooleanField(default=False, help_text="Whoever is in no group of the list may not sign in.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class GroupRole(models.Model):
    """Whoever a provider says is in a group is in a team. Only memberships that the provider made are ended by it."""

    provider = models.CharField(max_length=40, help_text="The slug of the provider.")
    group = models.CharField(max_length=200)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.MEMBER)

    class Meta:
        ordering = ("provider", "group")
        constraints: ClassVar = (models.UniqueConstraint(fields=("provider", "group", "team"), name="group_role_once"),)

    def __str__(self) -> str:
        return f"{self.group}: {self.team}"


class Deletion(models.Model):
    """An account whose owner wants it deleted, and until when they may take that back."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    asked_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"Deletion of {self.user}"
