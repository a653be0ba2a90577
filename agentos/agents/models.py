"""The catalogue: an agent is data, and a fresh Agno agent is built from it for every run."""

from datetime import datetime
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models

from agentos.access.models import Membership, Plan, Subscription, Team, User


class DjangoAgentQuerySet(models.QuerySet["DjangoAgent"]):
    def usable_by(self, user: User, at: datetime | None = None) -> "DjangoAgentQuerySet":
        """The one rule of who may use what: global, or of a team of theirs, or of a plan that they hold now."""
        teams = Membership.objects.filter(user=user).values("team")
        plans = Subscription.objects.running(at).filter(customer__user=user).values("plan")
        of_plans = DjangoAgent.plans.through.objects.filter(plan__in=plans).values("djangoagent")
        # Asked of the database, since the caller may hold a user that has been suspended meanwhile.
        not_suspended = models.Exists(User.objects.filter(pk=user.pk, is_active=True))
        return self.filter(not_suspended, models.Q(is_global=True) | models.Q(team__in=teams) | models.Q(pk__in=of_plans), is_active=True)


class DjangoAgent(models.Model):
    """An agent of the catalogue. ``model`` is ``provider:model_id``; ``tools`` are slugs of the allow-list."""

    agent_id = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Small letters, digits, - and _ only.")],
        help_text="Stands in URLs and in JSON, for example support-writer.",
    )
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    instructions = models.TextField(blank=True, max_length=20_000, help_text="The system prompt. Members never see it.")
    model = models.CharField(max_length=120, help_text="provider:model_id, for example openai:gpt-5.4")
    tools = models.JSONField(default=list, blank=True)
    capabilities = models.JSONField(default=list, blank=True)
    is_global = models.BooleanField("for everyone", default=False, help_text="Every signed-in user may use it.")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="agents")
    plans = models.ManyToManyField(Plan, blank=True, related_name="agents")
    is_active = models.BooleanField("active", default=True, help_text="Off: nobody may use it; its chats stay readable.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = DjangoAgentQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        verbose_name = "agent"

    def __str__(self) -> str:
        return self.name
