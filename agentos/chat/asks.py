"""What a waiting run asks a person: as a page shows it, as it is shown again when an answer was refused, and the answer in a form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentos.agents.arguments import Argument, readable
from agentos.agents.runtime import Answer, approvals
from agentos.agents.tools import label_of
from agentos.core.security.invisible import exact

Posted = Mapping[str, str]  # the form, by the names of its fields
Errors = Mapping[tuple[str, str], str]  # by the call and the field's name

CONTROLS = {"bool": "checkbox", "list": "lines", "dict": "lines"}
KEYBOARDS = {"int": "numeric", "float": "decimal"}
LINE = 80  # characters
HINTS = {"list": "One a line.", "dict": "An object, written as JSON."}


@dataclass(frozen=True, slots=True)
class Field:
    """``text``: what stands in it. ``choices``: values and what they are called, where there are no others. ``error``: what is
    wrong with it. Numbers are typed as text: it stays in the form when it is none."""

    id: str
    name: str
    label: str
    hint: str
    control: str
    keyboard: str
    is_required: bool
    text: str = ""
    is_ticked: bool = False
    error: str = ""
    has_focus: bool = False
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def described_by(self) -> str:
        """The elements that say more of it, by their ids."""
        return " ".join(f"{self.id}-{name}" for name, text in (("hint", self.hint), ("error", self.error)) if text)


@dataclass(frozen=True, slots=True)
class Ask:
    """To agree to a call, shown as it would be made, or to fill in ``fields``. ``reading``: the call's arguments, to be read;
    ``arguments``: the same, to be changed before it is made; ``is_open``: one of them is wrong. ``lasting``: it can be approved for
    the whole chat. ``decision``: "yes", "no", or nothing yet. ``member``: the name of the team's member that asks, where it is not the
    agent itself. ``message``: what is asked, where the call that was begun says it."""

    id: str
    call_id: str
    name: str
    reading: tuple[Argument, ...]
    is_form: bool
    fields: list[Field]
    arguments: list[Field] = field(default_factory=list)
    is_open: bool = False
    lasting: bool = False
    lasts: bool = False
    note: str = ""
    decision: str = ""
    member: str = ""
    message: str = ""


def asks_of(requirements: Sequence[Mapping[str, Any]], posted: Posted | None = None, errors: Errors | None = None, *, of: str) -> list[Ask]:
    """``posted``: what was typed and refused, for ``errors``. The first field that is wrong takes the focus. ``of``: the turn's id, which
    all ids of it begin with."""
    errors = errors or {}
    first = next(iter(errors), None)
    return [_ask(f"{of}-ask-{number}", requirement, posted, errors, first) for number, requirement in enumerate(requirements, start=1)]


def answers_in(posted: Posted, requirements: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Read one answer for each call: a decision of its own, or the one for all. No decision is a no."""
    return [_answer_in(posted, requirement) for requirement in requirements]


def _answer_in(posted: Posted, requirement: Mapping[str, Any]) -> Answer:
    call_id = requirement["call_id"]
    is_yes = _decision(posted, call_id) == "yes"
    values = {item["name"]: posted.get(_name("value", call_id, item["name"]), "") for item in requirement["fields"]}
    note = posted.get(_name("note", call_id), "").strip()
    if not is_yes:
        return Answer(call_id, confirmed=False, note=note)
    lasts = _name("lasting", call_id) in posted
    return Answer(call_id, note=note, values=values, arguments=_arguments_in(posted, requirement), lasting=lasts)


def _arguments_in(posted: Posted, requirement: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that were changed in the form. Without their fields in it, none was."""
    call_id = requirement["call_id"]
    if _name("arguments", call_id) not in posted:
        return {}
    changed: dict[str, Any] = {}
    for name, item in _shown_arguments(requirement).items():
        field = _name("argument", call_id, name)
        if item["type"] == "bool":
            if (field in posted) != item["value"]:
                changed[name] = field in posted
        elif _lines(posted.get(field, "")) != _lines(_text(item["value"])):
            changed[name] = _lines(posted.get(field, ""))
    return changed


def _shown_arguments(requirement: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the arguments that a form can hold: not those with characters in them that nobody would see in a field."""
    fields = approvals.arguments_of(requirement)
    return {name: item for name, item in fields.items() if all(exact(text) == text for text in (name, _text(item["value"])))}


def _lines(text: str) -> str:
    """Return a text as it was before it went through a form."""
    return text.replace("\r\n", "\n")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _decision(posted: Posted, call_id: str) -> str:
    return posted.get(_name("decision", call_id)) or posted.get("decision", "")


def _name(*words: str) -> str:
    """The name of a field in the form."""
    return "-".join(words)


def _ask(element: str, requirement: Mapping[str, Any], posted: Posted | None, errors: Errors, first: tuple[str, str] | None) -> Ask:
    call_id, args = requirement.get("call_id", ""), requirement.get("args") or {}
    fields = []
    for number, item in enumerate(requirement.get("fields", []), start=1):
        place = (call_id, str(item["name"]))
        typed = item.get("value") if posted is None else posted.get(_name("value", *place), "")
        fields.append(_field(f"{element}-field-{number}", item, typed, error=errors.get(place, ""), has_focus=place == first))
    arguments = []
    for number, (name, item) in enumerate(_shown_arguments(requirement).items(), start=1):
        place = (call_id, name)
        typed = item["value"] if posted is None else _typed_argument(posted, place, item)
        arguments.append(_argument(f"{element}-argument-{number}", item, typed, error=errors.get(place, ""), has_focus=place == first))
    return Ask(
        id=element,
        call_id=call_id,
        name=label_of(requirement.get("name", "")),
        reading=readable(requirement.get("name", ""), args),
        is_form=requirement.get("kind") == approvals.INPUT,
        fields=fields,
        arguments=arguments,
        is_open=any(argument.error for argument in arguments),
        lasting=bool(requirement.get("lasting")),
        lasts=bool(posted and _name("lasting", call_id) in posted),
        note=posted.get(_name("note", call_id), "") if posted else "",
        decision=_decision(posted, call_id) if posted else "",
        member=requirement.get("member", ""),
        message=requirement.get("message", ""),
    )


def _field(element: str, item: Mapping[str, Any], typed: Any, *, error: str, has_focus: bool) -> Field:
    kind, name, text = item["type"], str(item["name"]), _text(typed)
    choices = tuple((str(choice["value"]), str(choice["label"])) for choice in item.get("choices") or ())
    hints = (str(item.get("description") or ""), HINTS.get(kind, ""), _named(choices) if kind == "list" else "")
    return Field(
        id=element,
        name=name,
        label=approvals.label_of(name),
        hint=" ".join(filter(None, hints)),
        control="choice" if choices and kind == "str" else CONTROLS.get(kind, "text"),
        keyboard=KEYBOARDS.get(kind, ""),
        is_required=approvals.is_required(item),
        text=text,
        is_ticked=kind == "bool" and text.strip().lower() in approvals.YES,
        error=error,
        has_focus=has_focus,
        choices=choices,
    )


def _named(choices: Sequence[tuple[str, str]]) -> str:
    return f"Among {', '.join(value for value, _ in choices)}." if choices else ""


def _typed_argument(posted: Posted, place: tuple[str, str], item: Mapping[str, Any]) -> Any:
    field = _name("argument", *place)
    return field in posted if item["type"] == "bool" else posted.get(field, "")


def _argument(element: str, item: Mapping[str, Any], typed: Any, *, error: str, has_focus: bool) -> Field:
    """An argument of the call. A text that does not fit a line gets several."""
    plain = _field(element, {**item, "description": ""}, typed, error=error, has_focus=has_focus)
    is_long = item["type"] == "str" and (len(plain.text) > LINE or "\n" in plain.text)
    hint = HINTS["dict"] if item["type"] == "dict" else "A list, written as JSON." if item["type"] == "list" else ""
    return replace(plain, hint=hint, is_required=False, control="lines" if is_long else plain.control)
