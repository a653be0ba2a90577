"""The knowledge bases of a chat: those of its agent, and those that its user has brought; and the sources of an answer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse

from agentos.agents.specs import AgentSpec
from agentos.chat.live.parts import Part
from agentos.chat.models import Run
from agentos.knowledge.queries import readable

CITED = re.compile(r"\[(\d{1,3}(?:, ?\d{1,3})*)\](?![(\[:])")


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer is made of: a passage, by its number in the answer. ``unit``: what its ``page`` is."""

    n: int
    document: int
    title: str
    base: str
    unit: str
    page: int
    heading: str
    start: int
    end: int
    excerpt: str
    url: str = ""


def with_knowledge(spec: AgentSpec, run: Run) -> AgentSpec:
    """Return the agent with the bases that the user of this run may read now: of its own, of its members, and of the chat."""
    brought = run.session.bases
    wanted = {*brought, *(base.pk for base in spec.bases), *(base.pk for member in spec.members for base in member.bases)}
    if not wanted:
        return spec
    known = {base.pk: base for base in readable(sorted(wanted), run.by_id)}

    def told(each: AgentSpec, more: Sequence[int] = ()) -> AgentSpec:
        pks = dict.fromkeys([*(base.pk for base in each.bases), *more])
        return replace(each, bases=tuple(known[pk] for pk in pks if pk in known))

    return replace(told(spec, brought), members=tuple(told(member, brought) for member in spec.members))


def address_of(source: Source) -> str:
    """Return where the passage is shown in its document."""
    return f"{reverse('dashboard:document', args=[source.document])}?page={source.page}&from={source.start}&to={source.end}#passage"


def line_of(title: str, unit: str, page: int, heading: str) -> str:
    """Say where a passage stands: in which document, on which page, below which heading."""
    return ", ".join(filter(None, (title, f"{unit or 'part'} {page}", heading)))


def cited_in(text: str) -> frozenset[int]:
    """Return the numbers that an answer names, as [1] or [1, 2]."""
    return frozenset(int(number) for named in CITED.findall(text) for number in named.split(","))


def sources_in(parts: Sequence[Part]) -> list[Source]:
    """Return the sources that an answer has, also those of members of a team, by their numbers."""
    found: dict[int, Source] = {}
    for kept in _kept(parts):
        source = _source(kept)
        if source is not None:
            found.setdefault(source.n, source)
    return [found[number] for number in sorted(found)]


def _kept(parts: Sequence[Part]) -> Iterator[Any]:
    for part in parts:
        yield from _kept(part.get("parts", ()))
        shown = part.get("shown")
        if isinstance(shown, Mapping) and shown.get("kind") == "sources" and isinstance(shown.get("sources"), list):
            yield from shown["sources"]


def _source(kept: Any) -> Source | None:
    """It is stored with the answer, so it may come from an older version: None for what is none."""
    if not isinstance(kept, Mapping):
        return None
    numbers = [kept.get(name) for name in ("n", "document", "page", "start", "end")]
    texts = [kept.get(name, "") for name in ("title", "base", "unit", "heading", "excerpt", "url")]
    if not all(isinstance(each, int) for each in numbers) or not all(isinstance(each, str) for each in texts):
        return None
    return Source(**{name: kept.get(name, "") for name in Source.__slots__})
