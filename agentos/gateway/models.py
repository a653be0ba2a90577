"""The names that Agno's clients give to sessions. Each user has names of their own: nobody can take or find another's."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from agentos.chat.models import ChatSession

NAME_LIMIT = 200  # characters


class SessionName(models.Model):
    """A client may choose the id of its session; ours is chosen by us, so that it cannot be guessed."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )  # session_name_once serves
    name = models.CharField(max_length=NAME_LIMIT)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = (models.UniqueConstraint(fields=("user", "name"), name="session_name_once"),)

    def __str__(self) -> str:
        return self.name
