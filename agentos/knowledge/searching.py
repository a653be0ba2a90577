"""Searching bases: by words, and by what an embedding model makes of the question, where there is one; both lists become one.

The database proposes passages by its full-text index, and they are weighed here, so that SQLite and PostgreSQL find the same. What has too
little in common with the question is not found at all: a model that is told something far-fetched answers with it.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from agentos.knowledge import full_text, vectors, words
from agentos.knowledge.models import Chunk

FUSED = 10  # the k of reciprocal rank fusion
ROWS = 20_000  # passages that a database looks at for one question, about: then no more forms are looked for
FEW = 1_000  # passages: among fewer, too, a word says something
BEGINNING = 0.6  # what the beginning of a word counts, against the word
K1, B, USUAL = 1.2, 0.5, 260  # of BM25; the usual number of forms in a passage
COVERED = 0.28  # of what the question says has to be in a passage that is found by its words alone


@dataclass(frozen=True, slots=True)
class Hit:
    """``score``: only the order of scores means anything."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class Question:
    """``vector``: what the embedding model makes of it; None without one."""

    text: str
    vector: bytes | None = None


def search(bases: Collection[int], question: Question, limit: int = 8) -> list[Hit]:
    """Return the passages of these bases that say most about the question, the best first; none where nothing fits. Database work."""
    if not bases:
        return []
    worded = _by_words(bases, question.text)
    near = vectors.nearest(bases, question.vector) if question.vector is not None else {}
    close = {pk for pk, likeness in near.items() if likeness >= vectors.threshold()}
    enough = min(2, len(words.terms(question.text)) - 1)  # of its words: one of three may be anywhere
    covered = {pk for pk, (_score, share, said) in worded.items() if share >= COVERED and said >= enough}
    if question.vector is not None and close:
        covered = {pk for pk in worded if pk in close or pk in covered}
    found = close | covered
    if not found:
        return []
    scores: Counter[int] = Counter()
    for order in (sorted(worded, key=lambda pk: -worded[pk][0]), sorted(near, key=lambda pk: -near[pk])):
        for rank, pk in enumerate(order):
            scores[pk] += 1 / (FUSED + rank + 1)  # type: ignore[assignment]
    best = sorted(found, key=lambda pk: -scores[pk])[:limit]
    chunks = Chunk.objects.select_related("document__base").defer("vector", "searchable").in_bulk(best)
    return [Hit(chunks[pk], scores[pk]) for pk in best if pk in chunks]


def _by_words(bases: Collection[int], text: str) -> dict[int, tuple[float, float, int]]:
    """Return by passage its score, how much of the question it has, from 0 to 1, and how many of its words."""
    terms = words.terms(text)
    forms = list(dict.fromkeys(form for each in terms for form in each))
    seen = full_text.counts(forms)
    total = max(_total(), FEW)  # among few passages, too, a word says something
    tells = {form: math.log(1 + (total - seen[form] + 0.5) / (seen[form] + 0.5)) for form in forms}
    asked: dict[str, float] = {}
    rows = 0
    for form in sorted(filter(seen.__getitem__, forms), key=seen.__getitem__):  # the rarest say most
        rows += seen[form]
        if asked and rows > ROWS:
            break
        asked[form] = tells[form]
    found = dict(Chunk.objects.filter(pk__in=full_text.candidates(bases, asked)).values_list("pk", "searchable"))
    return {pk: _weighed(searchable, terms, tells) for pk, searchable in found.items()}


def _weighed(searchable: str, terms: Sequence[Sequence[str]], tells: Mapping[str, float]) -> tuple[float, float, int]:
    counted = Counter(searchable.split(" "))
    length = K1 * (1 - B + B * counted.total() / USUAL)
    score = share = whole = 0.0
    said = 0
    for forms in terms:
        most = tells[forms[0]]
        best = 0.0
        for form, factor in zip(forms, (1.0, BEGINNING), strict=False):
            if times := counted[form]:
                score += factor * tells[form] * times * (K1 + 1) / (times + length)
                best = max(best, factor if factor < 1 else 1.0)
        share += best * most
        said += best > 0
        whole += most
    return score, share / whole if whole else 0.0, said


def _total() -> int:
    newest = Chunk.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0
