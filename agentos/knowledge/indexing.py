"""The steps of indexing a document, each a small transaction: whoever dies between two of them is followed by another, who goes on.

A document is claimed for a minute at a time. Its pages are stored before its passages are, and its passages before their vectors.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Max, Q

from agentos.core import clock
from agentos.core.db import database_clock
from agentos.core.reading import File
from agentos.core.text import shorten
from agentos.knowledge import pgvector, words
from agentos.knowledge.chunking import Passage, passages
from agentos.knowledge.models import TITLE_LENGTH, Base, Chunk, Document, Page

LEASE = timedelta(seconds=60)
BATCH = 64  # passages
Status = Document.Status


def _free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=database_clock.now())


class LetGo(Exception):
    """The document is gone, or somebody else's."""


def due(most: int) -> list[int]:
    """Return documents that nobody works on, the oldest first."""
    return list(Document.objects.filter(_free(), status__in=Document.OPEN).order_by("pk").values_list("pk", flat=True)[:most])


def stale(model: str, most: int) -> list[int]:
    """Return documents whose vectors are another model's, or that lack some."""
    found = Document.objects.filter(_free(), status=Status.READY).exclude(embedding=model)
    return list(found.order_by("pk").values_list("pk", flat=True)[:most])


@transaction.atomic
def claim(pk: int) -> Document | None:
    """Return the document, claimed; None when somebody else has it."""
    document = Document.objects.select_for_update(of=("self",)).select_related("blob").filter(pk=pk).first()
    if document is None or (document.lease_until and document.lease_until > database_clock.now()) or document.status == Status.FAILED:
        return None
    document.attempt += 1
    document.lease_until = database_clock.now() + LEASE
    if document.status == Status.QUEUED:
        document.status = Status.READING
    document.save(update_fields=["attempt", "lease_until", "status"])
    return document


def keep(document: Document, **columns: object) -> None:
    """Promise another minute, and note what is given. Raises LetGo."""
    mine = Document.objects.filter(pk=document.pk, attempt=document.attempt)
    if not mine.update(lease_until=database_clock.now() + LEASE, **columns):
        raise LetGo


@transaction.atomic
def store_pages(document: Document, file: File, title: str = "") -> None:
    """Keep what was read, in place of what there was. Raises LetGo."""
    named = shorten(" ".join((title or file.title).split()), TITLE_LENGTH)
    keep(
        document,
        status=Status.INDEXING,
        kind=file.kind,
        unit=file.unit,
        outline=[[each.level, each.title, each.page] for each in file.outline],
        is_cut=file.is_cut,
        page_count=len(file.pages),
        character_count=file.characters,
        done=0,
        total=0,
        **({"title": named} if named and document.source == Document.Source.PAGE else {}),
    )
    Chunk.objects.filter(document=document).delete()
    Page.objects.filter(document=document).delete()
    Page.objects.bulk_create((Page(document=document, number=each.number, label=each.label, text=each.text) for each in file.pages), 200)


def passages_of(document: Document) -> list[Passage]:
    pages = Page.objects.filter(document=document).order_by("number").values_list("number", "text")
    return list(passages(pages))


def stored(document: Document) -> int:
    """Return how many of its passages are stored."""
    last = Chunk.objects.filter(document=document).aggregate(last=Max("number"))["last"]
    return 0 if last is None else last + 1


@transaction.atomic
def store_passages(document: Document, first: int, found: Sequence[Passage], searchable: Sequence[str], total: int) -> None:
    """Keep some passages, from number ``first`` on. Raises LetGo."""
    keep(document, done=first + len(found), total=total)
    Chunk.objects.bulk_create(
        Chunk(
            base_id=document.base_id,
            document=document,
            number=number,
            page=each.page,
            start=each.start,
            end=each.end,
            heading=each.heading,
            text=each.text,
            searchable=said,
        )
        for number, (each, said) in enumerate(zip(found, searchable, strict=True), start=first)
    )


def searchable_of(document: Document, found: Sequence[Passage]) -> list[str]:
    return [words.searchable(document.title if each.page == 1 and not each.start else "", each.heading, each.text) for each in found]


def begun(model: str) -> str:
    """Return what ``Document.embedding`` is while some of its passages have vectors of this model, and others wait."""
    return f"…{model}"


def without_vector(document: Document, most: int) -> list[tuple[int, str, str]]:
    """Return passages that have no vector yet: key, heading and text."""
    return list(Chunk.objects.filter(document=document, vector=None).order_by("number").values_list("pk", "heading", "text")[:most])


@transaction.atomic
def store_vectors(document: Document, made: Sequence[tuple[int, bytes]]) -> None:
    """Raises LetGo."""
    keep(document)
    Chunk.objects.bulk_update([Chunk(pk=pk, vector=vector) for pk, vector in made], ["vector"])
    pgvector.put(made)


@transaction.atomic
def begin_vectors(document: Document, model: str) -> None:
    """Take away what another model has made. Raises LetGo."""
    if document.embedding not in {model, begun(model)}:
        Chunk.objects.filter(document=document).update(vector=None)
        pgvector.forget(document.pk)
    document.embedding = begun(model)
    keep(document, embedding=document.embedding)


def end_vectors(document: Document, model: str) -> None:
    """All passages have theirs. Raises LetGo."""
    document.embedding = model
    keep(document, embedding=model)


@transaction.atomic
def end(document: Document, failure: str = "", later: timedelta | None = None) -> None:
    """It is there, or it failed. ``later``: when its vectors may be tried again. Raises LetGo."""
    is_there = not failure
    status = Status.READY if is_there else Status.FAILED
    changed = Document.objects.filter(pk=document.pk, attempt=document.attempt)
    if not changed.update(
        status=status, failure=failure, lease_until=database_clock.now() + later if later else None, updated_at=clock.now()
    ):
        raise LetGo
    Base.objects.filter(pk=document.base_id).update(version=F("version") + 1)


def give_back(document: Document) -> None:
    """Let somebody else go on at once."""
    Document.objects.filter(pk=document.pk, attempt=document.attempt).update(lease_until=None)
