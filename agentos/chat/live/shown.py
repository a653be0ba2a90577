"""What a tool shows people in a turn, beside its result: plain data of a kind, which is drawn when the turn is (``partials/chat/shown/``).

It is stored with the answer, so it may come from an older version or from somebody's own tool: what cannot be drawn is left out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentos.core.rendering import charts
from agentos.core.security.invisible import without

TYPES = {"text/calendar": ".ics", "text/csv": ".csv", "text/plain": ".txt"}  # and how their names end
NAME_LIMIT = 100  # characters
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


def connection_of(shown: Mapping[str, Any]) -> str | None:
    """Return the slug of the connection that wants a key of one's own; None for what is none."""
    slug = shown.get("server")
    return slug if isinstance(slug, str) and SLUG.fullmatch(slug) else None


KINDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {"chart": charts.chart_of, "connect": connection_of, "file": file_of}
