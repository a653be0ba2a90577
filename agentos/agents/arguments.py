"""The arguments of a call as people read them: a text as it is, line by line, and anything else as JSON, under names in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentos.agents.runtime import approvals
from agentos.agents.tools import reads_of

LINE = 80  # characters


@dataclass(frozen=True, slots=True)
class Argument:
    """``is_text``: what was written, and not JSON. ``is_long``: it needs lines of its own."""

    label: str
    text: str
    is_text: bool
    is_long: bool


def readable(name: str, arguments: Mapping[str, Any]) -> tuple[Argument, ...]:
    """Return all arguments of a call of the function ``name``: those that its tool names in their order, then the others."""
    labels = reads_of(name)
    order = (*(key for key in labels if key in arguments), *(key for key in arguments if key not in labels))
    return tuple(_argument(labels.get(key) or approvals.label_of(key), arguments[key]) for key in order)


def _argument(label: str, value: Any) -> Argument:
    if isinstance(value, list) and value and all(map(_is_plain, value)):
        text, is_text = "\n".join(value), True
    elif isinstance(value, str) and (_is_plain(value) or (value.strip() and "\n" in value)):
        text, is_text = value, True
    else:
        text, is_text = json.dumps(value, indent=2, ensure_ascii=False), False
    return Argument(label, text, is_text, "\n" in text or len(text) > LINE)


def _is_plain(value: Any) -> bool:
    """Whether it can stand on a line of a list and be taken for nothing else."""
    return isinstance(value, str) and value.strip() == value != "" and len(value.splitlines()) == 1
