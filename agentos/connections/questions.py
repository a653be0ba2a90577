"""What a server asks in the middle of a call, made a form for a person, and their answer as the server takes it (SEP-2322).

Only forms and addresses to go to are questions to people. What a server asks of the client itself, an answer of a model or a list of
folders, is refused: it may not spend our tokens, and there are no folders.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from agentos.core.security.guarded_http import Forbidden, check_url
from agentos.core.security.invisible import exact
from agentos.core.text import clean, shorten

FIELDS = 20
MESSAGE_LIMIT = 1000  # characters
CHOICES = 100
STATE_LIMIT = 100_000  # characters
KINDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list"}


class CannotBeAsked(ValueError):
    """The text is the end of a sentence: what the server wants."""


class AsksFirst(Exception):
    """The call was begun, and its server wants answers before it goes on."""

    def __init__(self, questions: "Questions") -> None:
        super().__init__(questions.message)
        self.questions = questions


@dataclass(frozen=True, slots=True)
class Questions:
    """``requests``: by the server's key, the names of the fields that are its own, by our names; None for an address that one goes to.
    ``state``: what the server gets back as it is."""

    message: str
    fields: list[dict[str, Any]]
    requests: dict[str, dict[str, str] | None]
    state: str | None

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def read(requests: Mapping[str, Mapping[str, Any]], state: str | None) -> Questions:
    """``requests``: as they came, by the server's key. Raises CannotBeAsked."""
    if state is not None and len(state) > STATE_LIMIT:
        raise CannotBeAsked("more to be remembered than can be")
    messages, fields, mine = list[str](), list[dict[str, Any]](), dict[str, dict[str, str] | None]()
    for key, request in requests.items():
        if request.get("method") == "sampling/createMessage":
            raise CannotBeAsked("an answer of a model, which no server gets")
        if request.get("method") != "elicitation/create":
            raise CannotBeAsked("what is nobody's to answer here")
        params = request.get("params") or {}
        message = shorten(exact(clean(str(params.get("message") or ""))), MESSAGE_LIMIT)
        if params.get("mode") == "url":
            messages.append(f"{message} {_address(params.get('url'))}")
            mine[key] = None
            continue
        messages.append(message)
        names = {}
        for name, about in _properties(params).items():
            ours = name if name not in {field["name"] for field in fields} else f"{name} {len(fields)}"
            names[ours] = name
            fields.append(_field(ours, about, is_required=name in (_schema(params).get("required") or [])))
        mine[key] = names
    if len(fields) > FIELDS:
        raise CannotBeAsked(f"more than {FIELDS} things at once")
    return Questions("\n".join(filter(None, messages)), fields, mine, state)


def responses(stored: Mapping[str, Any], values: Mapping[str, Any], *, accepted: bool) -> dict[str, dict[str, Any]]:
    """Return the answers by the server's keys. One that was refused is declined, whatever was typed."""
    found: dict[str, dict[str, Any]] = {}
    for key, names in stored["requests"].items():
        if not accepted:
            found[key] = {"action": "decline"}
        elif names is None:
            found[key] = {"action": "accept"}
        else:
            content = {theirs: values[ours] for ours, theirs in names.items() if values.get(ours) is not None}
            found[key] = {"action": "accept", "content": content}
    return found


def _address(url: Any) -> str:
    try:
        check_url(str(url))
    except Forbidden:
        raise CannotBeAsked("somebody to go to an address that nobody should") from None
    return str(url)


def _schema(params: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = params.get("requestedSchema") or params.get("requested_schema")
    return schema if isinstance(schema, Mapping) else {}


def _properties(params: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _schema(params).get("properties")
    if not isinstance(found, Mapping) or not all(isinstance(about, Mapping) for about in found.values()):
        raise CannotBeAsked("a form that is none")
    return found


def _field(name: str, about: Mapping[str, Any], *, is_required: bool) -> dict[str, Any]:
    kind = KINDS.get(str(about.get("type", "string")))
    if kind is None:
        raise CannotBeAsked(f"{shorten(clean(name), 40)}, which no form can hold")
    items = about.get("items")
    choices = _choices(items if kind == "list" and isinstance(items, Mapping) else about)
    said = " ".join(str(about[each]) for each in ("title", "description") if isinstance(about.get(each), str))
    return {
        "name": name,
        "type": kind,
        "description": shorten(clean(said), 300),
        "value": about.get("default"),
        "optional": not is_required,
        **({"choices": choices} if choices else {}),
    }


def _choices(about: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what can be chosen, in either way in which a schema says that."""
    named = about.get("oneOf") or about.get("anyOf")
    if isinstance(named, list):
        found = [(each.get("const"), each.get("title")) for each in named if isinstance(each, Mapping)]
    else:
        values, labels = about.get("enum"), about.get("enumNames")
        values = values if isinstance(values, list) else []
        labels = labels if isinstance(labels, list) and len(labels) == len(values) else values
        found = list(zip(values, labels, strict=True))
    return [{"value": str(value), "label": shorten(clean(str(label or value)), 100)} for value, label in found if value is not None][
        :CHOICES
    ]
