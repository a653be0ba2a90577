"""Vectors that PostgreSQL compares, where its extension is there: found as without it, kept in step, and filled in afterwards."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from agentos.access.models import User
from agentos.knowledge import pgvector, vectors
from agentos.knowledge.models import Base, Document
from agentos.knowledge.searching import search
from tests.knowledge.endpoint import Server
from tests.knowledge.made import base_of, index_all, only
from tests.knowledge.test_embedding import BICYCLES, QUIET, WASTE, asked, found, index_stale, nothing_failed, server

__all__ = ["nothing_failed", "server"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'postgresql'")]


@pytest.fixture
def extension() -> Iterator[None]:
    execute("CREATE EXTENSION IF NOT EXISTS vector")
    yield
    execute(f"ALTER TABLE knowledge_chunk DROP COLUMN IF EXISTS {pgvector.COLUMN}", "DROP EXTENSION vector")


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def filled() -> None:
    while pgvector.fill():
        pass


def looked(base: Base, text: str) -> list[tuple[int, float]]:
    return [(hit.chunk.pk, round(hit.score, 3)) for hit in search([base.pk], asked(text))]


def test_without_the_extension_nothing_changes(server: Server, member: User):
    base = base_of(member, BICYCLES)
    assert not pgvector.fill()
    assert not pgvector.is_used()
    assert "yard" in found(base, "cycle?")[0]


def test_finds_the_same(extension: None, server: Server, member: User, stranger: User, monkeypatch: Any):
    base, foreign = base_of(member, QUIET, BICYCLES, WASTE), base_of(stranger, QUIET)
    before = [looked(base, text) for text in ("music", "a bottle", "Where do bicycles stand?")]
    monkeypatch.setattr(pgvector, "FILLED", 2)
    filled()
    assert pgvector.is_used()
    monkeypatch.setattr(vectors, "_of", None)  # what is not asked any more
    assert [looked(base, text) for text in ("music", "a bottle", "Where do bicycles stand?")] == before
    assert len(looked(foreign, "music")) == 1


def test_keeps_in_step(extension: None, server: Server, settings: Any, member: User):
    base = base_of(member, BICYCLES)
    filled()
    more = base_of(member, QUIET, name="More")
    index_all()
    assert "trombone" in found(more, "music")[0]
    settings.AGENTOS_EMBEDDINGS_MODEL = "others"
    assert vectors.nearest([base.pk], asked("cycle").vector or b"") == {}
    vector = asked("cycle").vector or b""
    server.status = 500
    index_stale()  # begins, and gets no further
    assert vectors.nearest([base.pk], vector) == {}
    server.status = 200
    Document.objects.update(lease_until=None)
    index_stale()
    assert only(base).embedding.startswith("others@")
    assert len(vectors.nearest([base.pk], vector)) == 1
    assert vectors.nearest([base.pk], b"\0\0\0\0") == {}  # of another length
    only(base).delete()
    assert vectors.nearest([base.pk], vector) == {}
