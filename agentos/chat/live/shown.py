"""What a tool shows people in a turn, beside its result: plain data of a kind, which is drawn when the turn is (``partials/chat/shown/``).

It is stored with the answer, so it may come from an older version or from somebody's own tool: what cannot be drawn is left out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentos.chat.live.parts import Part, place_in
from agentos.core.rendering import charts
from agentos.core.security.invisible import without

TYPES = {"text/calendar": ".ics", "text/csv": ".csv", "text/plain": ".txt"}  # and how their names end
NAME_LIMIT = 100  # characters
DONE = ("remembered", "forgot")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
UNSAFE = re.compile(r"""[\x00-\x1f\x7f/\\:*?"<>|]+""")


@dataclass(frozen=True, slots=True)
class ShownView:
    template: str
    data: Any


def shown_view(shown: Any) -> ShownView | None:
    if not isinstance(shown, Mapping) or (read := KINDS.get(str(shown.get("kind")))) is None:
        return None
    data = read(shown)
    return None if data is None else ShownView(f"chat/shown/_{shown['kind']}.html", data)


@dataclass(frozen=True, slots=True)
class File:
    """``type``: one of ``TYPES``."""

    name: str
    type: str
    text: str

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.text.encode(errors="replace"))


def file_of(shown: Mapping[str, Any]) -> File | None:
    """Return the file; None for what is none, and for what a browser might do more with than keep it."""
    name, kind, text = (shown.get(key) for key in ("name", "type", "text"))
    if not (isinstance(name, str) and isinstance(kind, str) and isinstance(text, str) and kind in TYPES):
        return None
    plain = UNSAFE.sub("-", without(name)).strip("-. ")[-NAME_LIMIT:]
    return File(plain if plain.endswith(TYPES[kind]) else f"{plain or 'file'}{TYPES[kind]}", kind, text)


@dataclass(frozen=True, slots=True)
class Noted:
    """What an agent has ``remembered``, or ``forgot``, under a number. ``agent``: the id of the one that is told; empty for all."""

    did: str
    number: int
    text: str
    agent: str
    is_undone: bool


def memory_of(shown: Mapping[str, Any]) -> Noted | None:
    did, number, text, agent = (shown.get(key) for key in ("did", "number", "text", "agent"))
    if did not in DONE or not isinstance(number, int) or not isinstance(text, str) or not isinstance(agent, str):
        return None
    return Noted(did, number, text, agent, shown.get("undone") is True)


def noted_in(parts: Sequence[Part]) -> list[tuple[int, Noted]]:
    """Return what was remembered and forgotten, also by members of a team, each with the place of its part."""
    found = []
    for index, part in enumerate(parts):
        inside = [(place_in(index) + inner, each) for inner, each in enumerate(part.get("parts", ()))]
        for place, each in [(index, part), *inside]:
            shown = each.get("shown")
            if isinstance(shown, Mapping) and shown.get("kind") == "memory" and (noted := memory_of(shown)):
                found.append((place, noted))
    return found


def connection_of(shown: Mapping[str, Any]) -> str | None:
    """Return the slug of the connection that wants a key of one's own; None for what is none."""
    slug = shown.get("server")
    return slug if isinstance(slug, str) and SLUG.fullmatch(slug) else None


KINDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "chart": charts.chart_of,
    "connect": connection_of,
    "file": file_of,
    "memory": memory_of,
}
