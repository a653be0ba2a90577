"""Earlier turns of a chat, as the runtime is given them."""

from dataclasses import dataclass, field
from typing import Any

from agentos.agents.media import Given


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn. ``messages`` are Agno's own of that turn where it completed; otherwise what was asked and said counts.
    ``files``: those of its message whose pictures are at hand."""

    message: str
    answer: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    files: tuple[Given, ...] = ()
