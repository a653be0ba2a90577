"""Knowledge bases, their documents, and the passages of these that are searched."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from agentos.access.models import Team
from agentos.core import clock
from agentos.core.reading import REASONS
from agentos.core.security.invisible import visible
from agentos.files.models import Blob

NAME_LENGTH = 80  # characters
DESCRIPTION_LENGTH = 400  # characters
TITLE_LENGTH = 200  # characters
URL_LENGTH = 2000  # characters

# Why a document is not there, beside what is said of files (core/reading).
FAILURES = {
    **REASONS,
    "not_fetched": _("The page could not be fetched. Look whether its address opens, and try again."),
    "gone": _("The file is not there any more. Upload it again."),
    "files_away": _("Its file could not be read: the storage of files does not answer. Try again later."),
    "internal": _("Something went wrong here. Try again; if that does not help, ask your administrator."),
}


class Base(models.Model):
    """Documents that belong together: of one person (``owner``), of a team, or of everyone, where there is neither."""

    name = models.CharField(max_length=NAME_LENGTH)
    description = models.CharField(
        max_length=DESCRIPTION_LENGTH, blank=True, help_text="What is in it: agents decide by it when to search here."
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveIntegerField(default=0, editable=False, help_text="Counts what changes its passages.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("name", "pk")
        verbose_name = "knowledge base"
        constraints = (
            models.CheckConstraint(condition=models.Q(owner=None) | models.Q(team=None), name="base_of_one"),
            models.UniqueConstraint(fields=("owner", "name"), name="base_of_person_once"),
            models.UniqueConstraint(fields=("team", "name"), name="base_of_team_once"),
            models.UniqueConstraint(fields=("name",), condition=models.Q(team=None, owner=None), name="base_of_everyone_once"),
        )

    def __str__(self) -> str:
        return visible(self.name)


class Document(models.Model):
    """Something that was put into a base. ``source``: a file, a page of the web (``url``), or a text that somebody wrote here. ``blob``
    goes with the account of who gave it; the document stays.

    ``done`` of ``total``: passages that are ready, while it is indexed. ``lease_until``: who works on it has died when that is over.
    ``unit``: what its pages are (core/reading: File). ``outline``: [level, title, page] of its headings.
    """

    class Source(models.TextChoices):
        FILE = "file", _("File")
        PAGE = "page", _("Page of the web")
        TEXT = "text", _("Text")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        READING = "reading", _("Being read")
        INDEXING = "indexing", _("Being indexed")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    OPEN = (Status.QUEUED, Status.READING, Status.INDEXING)

    base = models.ForeignKey(Base, on_delete=models.CASCADE, related_name="documents", db_index=False)  # document_of_base serves
    title = models.CharField(max_length=TITLE_LENGTH)
    source = models.CharField(max_length=4, choices=Source.choices)
    url = models.CharField(max_length=URL_LENGTH, blank=True, default="")
    blob = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="What was given.")
    kind = models.CharField(max_length=10, blank=True, default="")
    unit = models.CharField(max_length=10, blank=True, default="")
    outline = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    failure = models.CharField(max_length=20, blank=True, default="")
    is_cut = models.BooleanField(default=False, help_text="There is more in it than is read.")
    page_count = models.PositiveIntegerField("pages", default=0)
    character_count = models.PositiveIntegerField("characters", default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    embedding = models.CharField(max_length=120, blank=True, default="", help_text="The model that has made the vectors of its passages.")
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=("base", "-id"), name="document_of_base"),
            models.Index(fields=("id",), name="document_open", condition=models.Q(status__in=("queued", "reading", "indexing"))),
        )

    def __str__(self) -> str:
        return visible(self.title)

    @property
    def failure_sentence(self) -> str:
        return str(FAILURES.get(self.failure, FAILURES["internal"])) if self.failure else ""

    @property
    def came_from(self) -> str:
        """The address of a page of the web, to be opened."""
        return self.url if self.url.startswith(("https://", "http://")) else ""

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0


class Page(models.Model):
    """A page of a document, or a slide, a piece of a sheet, a chapter or a part. ``number`` counts from 1."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="pages", db_index=False)  # the constraint serves
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField(help_text="In Markdown.")

    class Meta:
        ordering = ("document", "number")
        constraints = (models.UniqueConstraint(fields=("document", "number"), name="page_once"),)

    def __str__(self) -> str:
        return f"{self.document}, {self.number}"


class Chunk(models.Model):
    """A passage that is found as one. It stands on ``page`` from one character to before another. ``searchable``: its words, as they are
    searched; a full-text index of the database follows this column. ``vector``: what an embedding model makes of it, as 16-bit floats."""

    base = models.ForeignKey(Base, on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)  # the constraint serves
    number = models.PositiveIntegerField()
    page = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    heading = models.CharField(max_length=300, blank=True, default="")
    text = models.TextField()
    searchable = models.TextField()
    vector = models.BinaryField(null=True)

    class Meta:
        ordering = ("document", "number")
        constraints = (models.UniqueConstraint(fields=("document", "number"), name="chunk_once"),)

    def __str__(self) -> str:
        return f"{self.document}, passage {self.number}"


def described(base: Base) -> dict[str, Any]:
    """Return what programs are told of a base, without its documents."""
    return {"id": base.pk, "name": base.name, "description": base.description, "scope": scope_of(base)}


def scope_of(base: Base) -> str:
    return "person" if base.owner_id else "team" if base.team_id else "everyone"
