"""Skills, their versions, and the files that lie beside their SKILL.md."""

from typing import Any

from django.conf import settings
from django.db import models

from agentos.access.models import Team
from agentos.core import clock
from agentos.core.security.invisible import visible

NAME_LENGTH = 64  # characters, as the common format has it
DESCRIPTION_LENGTH = 1024  # characters, as the common format has it
NOTE_LENGTH = 300  # characters


class Skill(models.Model):
    """A skill of one team's agents, or of all agents where there is no team. ``name`` and ``description`` are those of its newest version.

    ``source``: of a skill out of ``AGENTOS_SKILLS``, the module that has it, where alone it is changed; empty once no module has it.
    """

    name = models.CharField(max_length=NAME_LENGTH, help_text="By which agents and people call it, for example brand-voice.")
    description = models.CharField(max_length=DESCRIPTION_LENGTH, help_text="What it is for: agents decide by it when to read the skill.")
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="skills",
        db_index=False,  # the constraint serves
        help_text="Whose agents may use it. Empty: all.",
    )
    version = models.PositiveIntegerField(default=0, editable=False)
    source = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(fields=("team", "name"), name="skill_of_team_once"),
            models.UniqueConstraint(fields=("name",), condition=models.Q(team=None), name="skill_of_everybody_once"),
        )

    def __str__(self) -> str:
        return visible(self.name)


class SkillVersion(models.Model):
    """A skill as it was saved: the whole SKILL.md, and by path what lies beside it (``{"hash", "size", "is_text"}``)."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="versions", db_index=False)  # the constraint serves
    number = models.PositiveIntegerField(help_text="1, 2, 3 … of each skill.")
    text = models.TextField(help_text="SKILL.md, with its front matter.")
    files = models.JSONField(default=dict)
    note = models.CharField(max_length=NOTE_LENGTH, blank=True, help_text="What is new, in the words of who saved it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("skill", "number"), name="skill_version_once"),)

    def __str__(self) -> str:
        return f"{self.skill}, version {self.number}"

    @property
    def listed(self) -> list[dict[str, Any]]:
        """Its files by path: ``path``, ``size`` and ``is_text``."""
        return [{"path": path, "size": about["size"], "is_text": about["is_text"]} for path, about in sorted(self.files.items())]


class SkillFile(models.Model):
    """The content of a file, kept once a skill however many of its versions have it."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="contents", db_index=False)  # the constraint serves
    hash = models.CharField(max_length=64, help_text="SHA-256 of the content.")
    data = models.BinaryField()

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("skill", "hash"), name="skill_file_once"),)

    def __str__(self) -> str:
        return f"{self.hash[:12]} of {self.skill}"
