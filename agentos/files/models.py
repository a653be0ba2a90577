"""Bytes (`Blob`), files on their way in (`Upload`, `Slice`), and files as people know them (`Attachment`).

Who refers to a blob or to an attachment by a foreign key holds it. What nobody holds any more is swept (files/sweeping.py): a room that
wants to keep one needs no more than its foreign key.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models

from agentos.core import clock, ids
from agentos.core.security.invisible import visible

NAME_LIMIT = 150  # characters of a file's name


def in_an_hour() -> datetime:
    return clock.now() + timedelta(hours=1)


def tomorrow() -> datetime:
    return clock.now() + timedelta(days=1)


class Kind(models.TextChoices):
    """What is made of a file: how it is shown, and how a model is told of it."""

    PICTURE = "picture", "Picture"
    AUDIO = "audio", "Audio"
    VIDEO = "video", "Video"
    TEXT = "text", "Text"
    DOCUMENT = "document", "Document"
    ARCHIVE = "archive", "Archive"


class Blob(models.Model):
    """Bytes of one owner, kept once however often they come. They are never changed. ``storage_name``: in the storage (files/storage.py).

    Of a picture the bytes are encoded anew, upright and without what its file told besides (where it was taken); ``small_name`` is a copy
    for models (WebP, at most 1568 pixels a side), ``thumb_name`` one for pages (WebP, at most 512). ``mime`` is what the bytes are,
    whatever they were called. ``sweep_after``: when it may be looked at whether anybody holds it; None: somebody does.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)  # the constraint serves
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    mime = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    width = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels, of a picture.")
    height = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels, of a picture.")
    seconds = models.FloatField(null=True, blank=True, help_text="Of audio, where it is known.")
    transcript = models.TextField(null=True, blank=True, help_text="What is said in a recording. Unknown: nobody has written it down.")  # noqa: DJ001 - nothing is said in some
    storage_name = models.CharField(max_length=200)
    small_name = models.CharField(max_length=200, blank=True, default="")
    thumb_name = models.CharField(max_length=200, blank=True, default="")
    sweep_after = models.DateTimeField(null=True, blank=True, default=in_an_hour)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("sweep_after",), name="blob_loose", condition=models.Q(sweep_after__isnull=False)),)
        constraints = (models.UniqueConstraint(fields=("owner", "sha256"), name="blob_of_owner_once"),)

    def __str__(self) -> str:
        return f"{self.sha256[:12]} ({self.mime})"

    @property
    def stored_names(self) -> list[str]:
        return [name for name in (self.storage_name, self.small_name, self.thumb_name) if name]


def new_upload_id() -> str:
    return ids.new_id("upload")


def new_file_id() -> str:
    return ids.new_id("file")


class Upload(models.Model):
    """A file on its way in, in slices. ``size``: of the whole; None while nobody knows it (a recording): then it has ended when its sender
    says so. ``received``: bytes of the slices that are here."""

    upload_id = models.CharField(max_length=40, unique=True, default=new_upload_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME_LIMIT)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    received = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return visible(self.name)


class Slice(models.Model):
    """A piece of an upload that has arrived. ``number``: 0, 1, 2 ..."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="slices", db_index=False)  # the constraint serves
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    storage_name = models.CharField(max_length=200)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("upload", "number"), name="slice_of_upload_once"),)

    def __str__(self) -> str:
        return f"{self.upload_id}:{self.number}"


class Attachment(models.Model):
    """A file with its name, for a message or in an answer. What it is (``kind``, ``mime``, ``size``, ``width``, ...) its blob says.

    ``place``: where its owner is going to send it: the id of a chat, or ``agent:<id>`` for a new one; empty once it is sent. One that
    is pending is its owner's alone, for a day (``sweep_after``); one that was sent is reached through the run that it goes with
    (chat/files.py).
    """

    file_id = models.CharField(max_length=40, unique=True, default=new_file_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)  # its index serves
    blob = models.ForeignKey(Blob, on_delete=models.RESTRICT, related_name="attachments")
    name = models.CharField(max_length=NAME_LIMIT)
    place = models.CharField(max_length=120, blank=True, default="")
    sweep_after = models.DateTimeField(null=True, blank=True, default=tomorrow)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("pk",)
        indexes = (
            models.Index(fields=("owner", "place"), name="attachment_of_owner"),
            models.Index(fields=("sweep_after",), name="attachment_loose", condition=models.Q(sweep_after__isnull=False)),
        )

    def __str__(self) -> str:
        return visible(self.name)

    @property
    def kind(self) -> str:
        return self.blob.kind

    @property
    def mime(self) -> str:
        return self.blob.mime

    @property
    def size(self) -> int:
        return self.blob.size

    @property
    def width(self) -> int | None:
        return self.blob.width

    @property
    def height(self) -> int | None:
        return self.blob.height

    @property
    def seconds(self) -> float | None:
        return self.blob.seconds

    @property
    def is_picture(self) -> bool:
        return self.blob.kind == Kind.PICTURE


def described(attachment: Attachment) -> dict[str, Any]:
    """Return what programs are told of a file, without its bytes."""
    of_picture = {"width": attachment.width, "height": attachment.height} if attachment.is_picture else {}
    known = {"seconds": attachment.seconds} if attachment.seconds is not None else {}
    about = {"id": attachment.file_id, "name": attachment.name, "kind": attachment.kind, "mime": attachment.mime, "size": attachment.size}
    return {**about, **of_picture, **known}
