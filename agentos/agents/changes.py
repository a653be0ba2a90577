"""What is new in a blueprint against another one, part by part and line by line, for people to read."""

import json
from typing import Any

from agentos.agents.blueprint import PARTS, Blueprint, Part
from agentos.core.changes import Change, compared


def changes(before: Blueprint, after: Blueprint) -> list[Change]:
    """Return the parts that differ, in the order of a blueprint."""
    return [
        Change(part.name, part.label, list(compared(_lines(part, before[part.name]), _lines(part, after[part.name]))))
        for part in PARTS
        if before[part.name] != after[part.name]
    ]


def _lines(part: Part, value: Any) -> list[str]:
    """A value as lines of text."""
    if part.lines:
        return part.lines(value)
    if isinstance(value, str):
        return value.split("\n") if value else []
    if isinstance(value, list):
        return [str(each) for each in value]
    return [f"{key}: {each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)}" for key, each in sorted(value.items())]
