"""Links by which an operator's account is made, once."""

from django.db import models

from agentos.core import clock


class SetupLink(models.Model):
    """Of its text there is only a digest here. ``email``: whose account it makes; empty: the first one, of whoever has the link."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.email or "the first operator"
