"""Memories of a person. Nobody else reads them: no page of the admin has them, and no name of one says what it holds."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from agentos.agents.models import DjangoAgent
from agentos.core import clock

TEXT_LIMIT = 300  # characters


class MemorySettings(models.Model):
    """Whether agents may remember things of a person. Who has never chosen has no row, and no memories.

    ``last_number`` counts their memories; a number is never given twice, so that an old *Undo* cannot meet another memory.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    is_on = models.BooleanField(default=False)
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "memory settings"

    def __str__(self) -> str:
        return f"Memory of {self.user}"


class Memory(models.Model):
    """``number`` counts those of a person from 1: a model names it, and an address does. ``agent``: the one that is told; None: each that
    has the tool. ``session_id`` and ``run_id``: of the chat in which an agent noted it, which may be gone."""

    class By(models.TextChoices):
        MODEL = "model", "An agent"
        USER = "user", "The person"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memories", db_index=False)  # memory_once
    number = models.PositiveIntegerField()
    agent = models.ForeignKey(DjangoAgent, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    text = models.CharField(max_length=TEXT_LIMIT)
    by = models.CharField(max_length=5, choices=By.choices, default=By.USER)
    session_id = models.CharField(max_length=40, blank=True, default="")
    run_id = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-number",)
        verbose_name_plural = "memories"
        indexes: ClassVar[Any] = (models.Index(fields=("agent",), name="memory_of_agent", condition=models.Q(agent__isnull=False)),)
        constraints: ClassVar[Any] = (models.UniqueConstraint(fields=("user", "number"), name="memory_once"),)

    def __str__(self) -> str:
        return f"Memory {self.number} of {self.user}"
