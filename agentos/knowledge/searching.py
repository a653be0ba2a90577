"""Searching bases: by words, and by what an embedding model makes of the question, where there is one; both become one order.

The database proposes passages by its full-text index, and they are weighed here, so that SQLite and PostgreSQL find the same. What has too
little in common with the question is not found at all, and what has little is told as such: a model that is told something far-fetched
answers with it. The figures below were chosen by ``make bench-knowledge``.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from agentos.knowledge import embedding, full_text, vectors, words
from agentos.knowledge.embedding import Bars
from agentos.knowledge.models import Chunk

ROWS = 20_000  # passages that a database looks at for one question, about: then no more forms are looked for
FEW = 1_000  # passages: among fewer, too, a word says something
BEGINNING = 0.6  # what the beginning of a word counts, against the word
K1, B, USUAL = 1.2, 0.5, 260  # of BM25; the usual number of forms in a passage
WORDS_RANK = 0.12  # what the share of the question that a passage has counts against its likeness: for the order,
WORDS_FIT = 0.3  # and for whether it fits
WORDS_ALONE = Bars(0.15, 0.42)  # of that share, where there are no vectors
DOUBTFUL = 5  # passages that are given where none fits


@dataclass(frozen=True, slots=True)
class Hit:
    """``score``: only the order of scores means anything. ``fits``: it has so much in common with the question that it says something
    about it. What does not may be the answer in quite other words, or beside the point."""

    chunk: Chunk
    score: float
    fits: bool


@dataclass(frozen=True, slots=True)
class Question:
    """``vector``: what the embedding model makes of it; None without one."""

    text: str
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """What a passage has of a question: its score by BM25, the share of what the question says, from 0 to 1, and how many of its words."""

    score: float
    share: float
    said: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """The words of a question. ``tells``: how much each form of them says."""

    terms: Sequence[Sequence[str]]
    tells: Mapping[str, float]
    counts: Mapping[str, int]


def search(bases: Collection[int], question: Question, limit: int = 8) -> list[Hit]:
    """Return the passages of these bases that say most about the question, the best first; none where nothing comes near. Database work."""
    if not bases:
        return []
    asked = _asked(question.text)
    near = vectors.nearest(bases, question.vector) if question.vector is not None else {}
    candidates = {*full_text.candidates(bases, _telling(asked)), *near}
    texts = dict(Chunk.objects.filter(pk__in=candidates).values_list("pk", "searchable"))
    worded = {pk: _weighed(searchable, asked) for pk, searchable in texts.items()}
    if near:
        scores, enough = _by_both(worded, near), embedding.bars()
    else:
        scores, enough = {pk: (each.score, _alone(each, asked)) for pk, each in worded.items()}, WORDS_ALONE
    best = sorted((pk for pk in scores if scores[pk][1] >= enough.near), key=lambda pk: -scores[pk][0])[:limit]
    chunks = Chunk.objects.select_related("document__base").defer("vector", "searchable").in_bulk(best)
    hits = [Hit(chunks[pk], scores[pk][0], scores[pk][1] >= enough.fits) for pk in best if pk in chunks]
    return hits if any(hit.fits for hit in hits) else hits[:DOUBTFUL]


def _by_both(worded: Mapping[int, _Words], near: Mapping[int, float]) -> dict[int, tuple[float, float]]:
    """Return by passage what orders it, and how much it has in common with the question."""
    least = max(0.0, min(near.values()))  # of those whose likeness nobody has looked at: they are no nearer
    both = {pk: (near.get(pk, least), each.share) for pk, each in worded.items()}
    return {pk: (likeness + WORDS_RANK * share, likeness + WORDS_FIT * share) for pk, (likeness, share) in both.items()}


def _alone(found: _Words, asked: _Asked) -> float:
    """Of three words of a question one may be anywhere: a passage that has no more comes near at most."""
    return found.share if found.said >= min(2, len(asked.terms) - 1) else min(found.share, WORDS_ALONE.near)


def _asked(text: str) -> _Asked:
    terms = words.terms(text)
    forms = list(dict.fromkeys(form for each in terms for form in each))
    seen = full_text.counts(forms)
    total = max(_total(), FEW)
    return _Asked(terms, {form: math.log(1 + (total - seen[form] + 0.5) / (seen[form] + 0.5)) for form in forms}, seen)


def _telling(asked: _Asked) -> dict[str, float]:
    """Return the forms that the database is asked for: the rarest, which say most."""
    chosen: dict[str, float] = {}
    rows = 0
    for form in sorted(filter(asked.counts.__getitem__, asked.counts), key=asked.counts.__getitem__):
        rows += asked.counts[form]
        if chosen and rows > ROWS:
            break
        chosen[form] = asked.tells[form]
    return chosen


def _weighed(searchable: str, asked: _Asked) -> _Words:
    counted = Counter(searchable.split(" "))
    length = K1 * (1 - B + B * counted.total() / USUAL)
    score = share = whole = 0.0
    said = 0
    for forms in asked.terms:
        most = asked.tells[forms[0]]
        best = 0.0
        for form, factor in zip(forms, (1.0, BEGINNING), strict=False):
            if times := counted[form]:
                score += factor * asked.tells[form] * times * (K1 + 1) / (times + length)
                best = max(best, factor)
        share += best * most
        said += best > 0
        whole += most
    return _Words(score, share / whole if whole else 0.0, said)


def _total() -> int:
    """About how many passages there are: to count them would take longer than to search them."""
    newest = Chunk.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0
