"""What is new in a blueprint against another one, part by part and line by line, for people to read."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from agentos.agents.blueprint import PARTS, Blueprint, Part, empty
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import model_label
from agentos.agents.tools import label_of_slug, tools
from agentos.core.changes import Change, compared

WORDS = {"ask": "ask first", "auto": "on its own"}


def changes(before: Blueprint | None, after: Blueprint) -> list[Change]:
    """Return the parts that differ, in the order of a blueprint. ``before``: None for what there was nothing before. Tools, models and
    members are called by their names: asks the database for those."""
    was = before or empty()
    named = _names(was, after)
    found = []
    for part in PARTS:
        if was[part.name] != after[part.name]:
            old = _lines(part, was[part.name], named) if before else []
            found.append(Change(part.name, part.label, list(compared(old, _lines(part, after[part.name], named)))))
    return found


def _names(*blueprints: Blueprint) -> dict[str, Callable[[str], str]]:
    """Return, by part, how what stands in it is called."""
    known = tools({slug for each in blueprints for slug in each["tools"]})
    ids = {member["agent"] for each in blueprints for member in each["members"]}
    agents = dict(DjangoAgent.objects.filter(agent_id__in=ids).values_list("agent_id", "name")) if ids else {}

    def of_tool(slug: str) -> str:
        return known[slug].label if slug in known else label_of_slug(slug)

    return {
        **dict.fromkeys(("tools", "tool_policies", "tool_options"), of_tool),
        **dict.fromkeys(("model", "fallbacks", "choices"), model_label),
        "members": lambda agent_id: agents.get(agent_id, agent_id),
    }


def _lines(part: Part, value: Any, named: Mapping[str, Callable[[str], str]]) -> list[str]:
    """A value as lines of text."""
    name = named.get(part.name, str)
    if part.name == "members":
        return [f"{name(each['agent'])}: {each['task']}" if each["task"] else name(each["agent"]) for each in value]
    if part.lines:
        return part.lines(value)
    if isinstance(value, str):
        return [name(line) for line in value.split("\n")] if value else []
    if isinstance(value, list):
        return [name(each) for each in value]
    return [f"{name(key)}: {_told(each)}" for key, each in sorted(value.items())]


def _told(value: Any) -> str:
    return WORDS.get(value, value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
