"""What a person answers to a waiting run: yes, no, or the values of a form.

Which tool is called, and with which arguments, comes from the stored run and never from an answer.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOTE_LIMIT = 1000  # characters
VALUE_LIMIT = 10_000

CONFIRM = "confirm"
INPUT = "input"

REFUSED = "The user did not approve this call."


class BadAnswer(ValueError):
    """The answers do not fit what the run asks for. The text is for the person who answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """For one tool call. ``confirmed`` False refuses it; ``values`` fill in the fields of one that asks for input."""

    call_id: str
    confirmed: bool = True
    note: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def check(requirements: Sequence[Mapping[str, Any]], answers: Sequence[Answer]) -> dict[str, Answer]:
    """Return the answers by call, their values in the types that were asked for. Raises BadAnswer."""
    asked = {str(requirement["call_id"]): requirement for requirement in requirements}
    given = {answer.call_id: answer for answer in answers}
    if len(given) != len(answers) or given.keys() != asked.keys():
        raise BadAnswer("Each call that waits needs one answer.")
    return {call_id: _checked(asked[call_id], answer) for call_id, answer in given.items()}


def _checked(requirement: Mapping[str, Any], answer: Answer) -> Answer:
    if len(answer.note) > NOTE_LIMIT:
        raise BadAnswer(f"A note can have {NOTE_LIMIT:,} characters.")
    fields = {str(item["name"]): item for item in requirement["fields"]}
    unknown = set(answer.values) - set(fields)
    if unknown:
        raise BadAnswer(f"Nobody asked for {', '.join(sorted(unknown))}.")
    values = {name: _value(item, answer.values.get(name)) for name, item in fields.items()} if answer.confirmed else {}
    return Answer(answer.call_id, answer.confirmed, answer.note, values)


def _value(item: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, str) and len(value) > VALUE_LIMIT:
        raise BadAnswer(f"{item['name']} can have {VALUE_LIMIT:,} characters.")
    if value is None or (isinstance(value, str) and not value.strip()):
        return False if item["type"] == "bool" else None
    read, what = _READERS.get(item["type"], _READERS["str"])
    try:
        return read(value)
    except (ValueError, TypeError):
        raise BadAnswer(f"{item['name']} must be {what}.") from None


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in {"1", "true", "yes", "y", "on"}


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


def _made_of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        data = json.loads(value) if isinstance(value, str) else value
        if not isinstance(data, kind):
            raise TypeError
        return data

    return read


_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = MappingProxyType(
    {
        "str": (str, "a text"),
        "bool": (_truth, "yes or no"),
        "int": (_whole, "a whole number"),
        "float": (float, "a number"),
        "list": (_made_of(list), "a list, written as JSON"),
        "dict": (_made_of(dict), "an object, written as JSON"),
    }
)
