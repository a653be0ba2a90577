"""What models were asked, and what it has cost: counted by day, and by month, when an answer ends (chat/counting.py)."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from agentos.access.models import Team
from agentos.agents.models import DjangoAgent
from agentos.core import clock


class Counted(models.Model):
    """Of one person, agent and model. It stays when a chat, its person or its agent is gone: then ``user`` or ``agent`` is empty.

    ``team``: whose the agent was when the row was begun. ``answers``: those of this model; what else it was asked in the stead of a person
    (titles, summaries, the work of a member of a team) has tokens and a cost, and no answer.
    """

    day = models.DateField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    agent = models.ForeignKey(DjangoAgent, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    model = models.CharField(max_length=120, blank=True)
    answers = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0, help_text="Of those that were read.")
    reasoning_tokens = models.PositiveBigIntegerField(default=0, help_text="Of those that were written.")
    cost_micro = models.PositiveBigIntegerField(default=0, help_text="Millionths of a dollar, of all of which the cost is known.")
    unpriced = models.PositiveBigIntegerField(default=0, help_text="How often the model was asked at a price that nobody here knows.")

    NUMBERS = ("answers", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost_micro", "unpriced")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.model} on {self.day}"


class Usage(Counted):
    """Of one day, in the site's time zone: the one on which the message was sent."""

    class Meta:
        verbose_name_plural = "usage"
        indexes: ClassVar[Any] = (
            models.Index(fields=("day",), name="usage_of_day"),
            models.Index(fields=("team", "day"), name="usage_of_team"),
            models.Index(fields=("agent", "day"), name="usage_of_agent"),
        )
        constraints: ClassVar[Any] = (models.UniqueConstraint(fields=("user", "day", "agent", "model"), name="usage_once"),)


class MonthlyUsage(Counted):
    """Of one month, of which ``day`` is the first day: the same counts again, so that nobody adds up the days of five hundred people."""

    class Meta:
        verbose_name_plural = "monthly usage"
        indexes: ClassVar[Any] = (
            models.Index(fields=("day",), name="monthly_usage_of_month"),
            models.Index(fields=("team", "day"), name="monthly_usage_of_team"),
            models.Index(fields=("agent", "day"), name="monthly_usage_of_agent"),
        )
        constraints: ClassVar[Any] = (models.UniqueConstraint(fields=("user", "day", "agent", "model"), name="monthly_usage_once"),)


class Budget(models.Model):
    """What may be spent in a calendar month, in the site's time zone (chat/budgets.py)."""

    class Of(models.TextChoices):
        SITE = "site", "Everybody together"
        EACH = "each", "Each person who has no budget of their own"
        PERSON = "person", "One person"
        TEAM = "team", "The agents of a team"
        AGENT = "agent", "One agent"

    of = models.CharField(max_length=6, choices=Of.choices)
    key = models.CharField(max_length=40, unique=True, editable=False, help_text="What it is of, so that there is one of each.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(DjangoAgent, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    micro_a_month = models.PositiveBigIntegerField(help_text="Millionths of a dollar.")
    is_hard = models.BooleanField(default=True, help_text="No answer begins any more once it is used up. Off: people are told, and go on.")

    class Meta:
        ordering = ("of", "pk")

    def __str__(self) -> str:
        return self.key


class BudgetTold(models.Model):
    """People were told of a budget: once a month at four fifths of it, and once when it was used up (chat/budget_mail.py)."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="told")
    key = models.CharField(max_length=80, unique=True, help_text="Of which month, whom it was of, which sum, and at how many percent.")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.key
