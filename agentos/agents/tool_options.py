"""The settings of a tool as fields of a form, made of the pydantic model that checks them. Only kinds that can be typed plainly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from agentos.agents.tools import Tool

KINDS: Mapping[Any, str] = {bool: "check", int: "number", float: "number", str: "text", list[str]: "lines"}
PATH = "option:{}:{}"


@dataclass(frozen=True, slots=True)
class OptionField:
    """``kind``: check, number, text, lines or choice. ``value``: as the field shows it."""

    key: str
    label: str
    kind: str
    value: str
    help: str
    choices: tuple[str, ...] = ()


def fields(tool: Tool, options: Mapping[str, Any]) -> list[OptionField]:
    """Return a field for each setting of a tool that has a plain kind."""
    found = []
    for name, info in (tool.options.model_fields if tool.options else {}).items():
        if kind := _kind(info.annotation):
            value = options.get(name, info.get_default(call_default_factory=True) if not info.is_required() else "")
            choices = tuple(str(each) for each in get_args(info.annotation)) if kind == "choice" else ()
            label = info.title or name.replace("_", " ").capitalize()
            found.append(OptionField(PATH.format(tool.slug, name), label, kind, _shown(value, kind), info.description or "", choices))
    return found


def posted(tool: Tool, form: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a form has sent, with what it has no field for. What is left empty is not set."""
    found = dict(before)
    for field in fields(tool, before):
        name = field.key.rpartition(":")[2]
        text = str(form.get(field.key, "")).strip()
        value: Any = {"check": bool(text), "lines": [line.strip() for line in text.splitlines() if line.strip()]}.get(field.kind, text)
        if field.kind == "number" and text:
            value = number(text)
        if value in ("", []):
            found.pop(name, None)
        else:
            found[name] = value
    default = tool.options.model_fields if tool.options else {}
    return {name: value for name, value in found.items() if name not in default or value != default[name].default}


def _kind(annotation: Any) -> str:
    return "choice" if get_origin(annotation) is Literal else KINDS.get(annotation, "")


def _shown(value: Any, kind: str) -> str:
    if kind == "check":
        return "1" if value else ""
    return "\n".join(map(str, value)) if kind == "lines" and isinstance(value, list | tuple) else str(value if value is not None else "")


def number(text: str) -> Any:
    """What is no number stays what was typed: the tool's own check says so."""
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
