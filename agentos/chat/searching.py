"""Searching chats: which ones have the words, in their title, their agent's name, a message or an answer; and where.

Capitals do not count, nor how a letter is composed. Words may stand anywhere in a chat, in any order; words in quotes stand together.
Texts are kept once more as they are searched (``searchable``): a database folds no letters but those of English.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from agentos.chat.queries import listed_sessions
from agentos.core.security.invisible import visible
from agentos.core.text import belong_together, cut_before, folded

FOUND_LIMIT = 50
TERMS_LIMIT = 8  # words and phrases; what comes behind them is not looked for
BEFORE, AFTER = 30, 130  # characters of an excerpt, before where it was found and from there on
TERM = re.compile(r"[\"“”„«»]([^\"“”„«»]+)[\"“”„«»]?(?=\s|$)|(\S+)")  # a quote that is not closed yet is still being typed
FENCE = re.compile(r"`{3,}|~{3,}")  # around code: says nothing in one line
WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a chat has what was looked for, as HTML in which it is marked. ``excerpt``: of a message or an answer of ``run_id``, else the
    agent's name; nothing when only the title has it."""

    title: SafeString
    excerpt: SafeString | str = ""
    run_id: str = ""
    turn: int = 0

    @property
    def place(self) -> str:
        """What the address of the chat ends with, to open it there."""
        return f"?run={self.run_id}#turn-{self.turn}" if self.run_id else ""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a message or of an answer, and where in it something is that was looked for: from one character to before another."""

    run: Run
    of: str
    text: str
    matches: list[tuple[int, int]]


def terms_of(text: str) -> list[str]:
    """Return the words and phrases of a search, as texts are kept to be searched."""
    terms = [folded(phrase or word) for phrase, word in TERM.findall(text)]
    return list(dict.fromkeys(filter(None, terms)))[:TERMS_LIMIT]


def search_sessions(user: User, text: str, *, archived: bool = False, limit: int = FOUND_LIMIT) -> list[ChatSession]:
    """The newest chats that have all words of ``text``, each with where it has them, as its ``found``."""
    terms = terms_of(text)
    listed = listed_sessions(user).filter(contains(terms))
    if archived:
        listed = listed.filter(is_archived=True)
    sessions = list(listed[:limit])
    turns = _best_runs(sessions, terms)
    for session in sessions:
        session.found = _found(session, turns.get(session.pk), terms)  # type: ignore[attr-defined]
    return sessions


def excerpts_of(sessions: Sequence[ChatSession], text: str) -> dict[int, list[Excerpt]]:
    """Return where sessions have the words of ``text``, by session: in one turn, in its message, its answer, or both."""
    terms = terms_of(text)
    found: dict[int, list[Excerpt]] = {}
    for session, run in _best_runs(sessions, terms).items():
        pieces = {of: excerpt_text(said, terms) for of, said in (("message", run.input), ("answer", run.answer))}
        found[session] = [Excerpt(run, of, piece, _merged(_spans(piece, terms))) for of, piece in pieces.items() if piece]
    return found


def contains(terms: Sequence[str]) -> Q:
    """Sessions that have each of the terms in their title, agent, messages or answers; none without a term."""
    agents = [(pk, folded(name)) for pk, name in DjangoAgent.objects.values_list("pk", "name")] if terms else []
    has_all = Q() if terms else Q(pk__in=())
    for term in terms:
        named = [pk for pk, name in agents if term in name]
        said = _kept_runs().filter(searchable__contains=term)
        has_all &= Q(searchable__contains=term) | Q(agent__in=named) | Q(Exists(said))
    return has_all


def _kept_runs() -> QuerySet[Run]:
    """The runs of an outer query's session that can be shown: versions that are not chosen too, not what was withdrawn or erased."""
    return Run.objects.filter(session=OuterRef("pk"), version__gt=0)


def _best_runs(sessions: Sequence[ChatSession], terms: Sequence[str]) -> dict[int, Run]:
    """The run that has most of the terms, by session; of several one that is shown, and the newest."""
    if not terms:
        return {}
    has = [When(searchable__contains=term, then=Value(1)) for term in terms]
    count = sum((Case(each, default=Value(0), output_field=IntegerField()) for each in has), start=Value(0))
    runs = _kept_runs().annotate(has=count).filter(has__gt=0)
    best = Subquery(runs.order_by("-has", "is_hidden", "-turn", "-pk").values("pk")[:1])
    found = ChatSession.objects.filter(pk__in=[session.pk for session in sessions]).order_by().annotate(best=best)
    told = Run.objects.filter(pk__in=found.values("best")).only("run_id", "session_id", "turn", "input", "answer")
    return {run.session_id: run for run in told}


def _found(session: ChatSession, run: Run | None, terms: Sequence[str]) -> Found:
    title = marked(visible(session), terms)
    if run and (said := excerpt(run.input, terms) or excerpt(run.answer, terms)):
        return Found(title, said, run.run_id, run.turn)
    if any(term in folded(session.title) for term in terms):
        return Found(title)
    return Found(title, marked(visible(session.agent.name), terms))


def excerpt(text: str, terms: Sequence[str]) -> SafeString | str:
    """Return the surroundings of the first term that ``text`` has, with all terms marked; nothing when it has none."""
    return marked(excerpt_text(text, terms), terms)


def excerpt_text(text: str, terms: Sequence[str]) -> str:
    """Return them as a plain text."""
    place = _place(text, terms)
    if place < 0:
        return ""
    start, end = max(0, place - BEFORE), min(len(text), place + AFTER)
    start = _word_start(text, start, place) if start else 0
    end = cut_before(text, end)
    line = visible(" ".join(FENCE.sub(" ", text[start:end]).split()))
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"


def _word_start(text: str, start: int, place: int) -> int:
    if gap := WORD.search(text, start, place):
        return gap.end()
    return cut_before(text, start)


def _place(text: str, terms: Sequence[str]) -> int:
    """Where in ``text`` the longest of the terms begins that it has, -1 without one. Line by line: what is folded has other lengths."""
    lines = text.splitlines(keepends=True)
    whole = [folded(line) for line in lines]
    joined = " ".join(filter(None, whole))
    place = next((place for term in sorted(terms, key=len, reverse=True) if (place := joined.find(term)) >= 0), -1)
    if place < 0:
        return -1
    before = 0
    for line, plain in zip(lines, whole, strict=True):
        if plain and place < len(plain):
            return before + _unfolded(line, place)
        place -= len(plain) + 1 if plain else 0
        before += len(line)
    return -1


def _unfolded(line: str, place: int) -> int:
    """Where in a line the character is that is at ``place`` in the folded line."""
    return bisect_left(range(1, len(line)), place + 1, key=lambda end: len(folded(line[:end])))


def marked(text: str, terms: Sequence[str]) -> SafeString:
    """Return a short text as HTML, with the terms in it marked."""
    pieces: list[tuple[SafeString | str]] = []
    place = 0
    for start, end in _merged(_spans(text, terms)):
        pieces += [(text[place:start],), (format_html("<mark>{}</mark>", text[start:end]),)]
        place = end
    return format_html_join("", "{}", [*pieces, (text[place:],)])


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in their order, those that touch as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _spans(text: str, terms: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where in a short text a term begins and ends, between characters as people see them."""
    starts = [place for place in range(len(text)) if not place or not belong_together(text, place)]
    pieces = [_piece(text[start:end]) for start, end in pairwise([*starts, len(text)])]
    places = [start for start, piece in zip(starts, pieces, strict=True) for _ in piece]
    places.append(len(text))
    plain = "".join(pieces)
    for term in terms:
        for found in _pattern(term).finditer(plain):
            last = found.end()
            while last < len(places) - 1 and places[last] == places[last - 1]:
                last += 1
            yield places[found.start()], places[last]


def _pattern(term: str) -> re.Pattern[str]:
    """A term wherever it stands; a single letter only where it is a word: a mark in every word says nothing."""
    return re.compile(rf"\b{term}\b" if len(term) == 1 and term.isascii() and term.isalnum() else re.escape(term))


def _piece(char: str) -> str:
    return char if char.isspace() else folded(char)
