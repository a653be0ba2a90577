"""What a person answers to a waiting run: yes, no, or the values of a form.

Which tool is called comes from the stored run and never from an answer. An answer may change arguments that the model gave, by name.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.core.text import clean

NOTE_LIMIT = 1000  # characters
VALUE_LIMIT = 10_000  # characters
ARGUMENT_LIMIT = 50_000  # characters
WHOLE_LIMIT = 2**53 - 1  # what every reader of JSON takes for the same number

CONFIRM = "confirm"
INPUT = "input"

REFUSED = "The user did not approve this call."


class BadAnswer(ValueError):
    """The answers do not fit what the run asks for. The text is for the person who answered; ``errors`` says it for each field that
    is wrong, by the call and the field's name."""

    def __init__(self, sentence: str, errors: Mapping[tuple[str, str], str] = MappingProxyType({})) -> None:
        super().__init__(sentence)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Answer:
    """For one tool call. ``confirmed`` False refuses it; ``values`` fill in the fields of one that asks for input. ``arguments``: those
    that are changed before it is approved. ``lasting``: the function is approved for the rest of the chat."""

    call_id: str
    confirmed: bool = True
    note: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    lasting: bool = False


def label_of(name: str) -> str:
    """Return a field's name in words: "Number of nights" for ``number_of_nights`` and for ``numberOfNights``."""
    words = _SEAM.sub(" ", name).replace("_", " ").replace("-", " ").split()
    plain = [word.lower() if word[1:].islower() else word for word in words]
    label = " ".join(plain) or name
    return label[:1].upper() + label[1:]


def is_required(item: Mapping[str, Any]) -> bool:
    """Whether a field needs a value. A box that is not ticked says no; of any other field its description says that it may stay empty,
    or ``optional``."""
    if "optional" in item:
        return item["type"] != "bool" and not item["optional"]
    return item["type"] != "bool" and not _OPTIONAL.search(str(item.get("description") or ""))


_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OPTIONAL = re.compile(r"\boptional\b|\bif any\b", re.IGNORECASE)


def check(requirements: Sequence[Mapping[str, Any]], answers: Sequence[Answer]) -> dict[str, Answer]:
    """Return the answers by call, their values in the types that were asked for. Raises BadAnswer."""
    asked = {str(requirement["call_id"]): requirement for requirement in requirements}
    given = {answer.call_id: answer for answer in answers}
    if len(given) != len(answers) or given.keys() != asked.keys():
        raise BadAnswer("Each call that waits needs one answer.")
    understood, errors = {}, {}
    for call_id, answer in given.items():
        understood[call_id], wrong = _checked(asked[call_id], answer)
        errors.update({(call_id, name): sentence for name, sentence in wrong.items()})
    if errors:
        raise BadAnswer(" ".join(errors.values()), errors)
    return understood


def _checked(requirement: Mapping[str, Any], answer: Answer) -> tuple[Answer, dict[str, str]]:
    """Return the answer as it was understood, and what is wrong by the name of the field."""
    if len(answer.note) > NOTE_LIMIT:
        raise BadAnswer(f"A note can have {NOTE_LIMIT:,} characters.")
    fields = {str(item["name"]): item for item in requirement["fields"]}
    unknown = set(answer.values) - set(fields)
    if unknown:
        raise BadAnswer(f"Nobody asked for {', '.join(sorted(unknown))}.")
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, item in fields.items() if answer.confirmed else ():
        try:
            values[name] = _value(item, answer.values.get(name))
        except ValueError as error:
            wrong[name] = f"{label_of(name)} {error}."
    arguments = _changed(requirement, answer, wrong) if answer.confirmed else {}
    if answer.lasting and answer.confirmed and not requirement.get("lasting"):
        raise BadAnswer("This call cannot be approved for the whole chat.")
    return Answer(answer.call_id, answer.confirmed, clean(answer.note), values, arguments, answer.lasting and answer.confirmed), wrong


def arguments_of(requirement: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the arguments that may be changed before a call is approved, as fields by their names. Those that are null have no kind."""
    if requirement.get("kind") != CONFIRM:
        return {}
    given = (requirement.get("args") or {}).items()
    return {
        name: {"name": name, "type": _KINDS[type(value)], "description": "Optional.", "value": value}
        for name, value in given
        if type(value) in _KINDS
    }


def _changed(requirement: Mapping[str, Any], answer: Answer, wrong: dict[str, str]) -> dict[str, Any]:
    """Return the arguments that are no longer what the model gave. What is ``wrong`` with one is noted by its name."""
    known = arguments_of(requirement)
    unknown = answer.arguments.keys() - known.keys()
    if unknown:
        raise BadAnswer(f"The call has no arguments {', '.join(sorted(unknown))} that could be changed.")
    changed = {}
    for name, value in answer.arguments.items():
        try:
            read = _argument(known[name], value)
        except ValueError as error:
            wrong[name] = f"{label_of(name)} {error}."
            continue
        if read != known[name]["value"]:
            changed[name] = read
    return changed


def _argument(item: Mapping[str, Any], value: Any) -> Any:
    """Raises ValueError, whose text goes on after the argument's name."""
    if value == item["value"] or (item["type"] == "str" and value == ""):
        return value
    read = _value(item, value, limit=ARGUMENT_LIMIT)
    if read is None:
        raise ValueError("is missing")
    return read


_KINDS = MappingProxyType({str: "str", bool: "bool", int: "int", float: "float", list: "list", dict: "dict"})


def _value(item: Mapping[str, Any], value: Any, *, limit: int = VALUE_LIMIT) -> Any:
    """Raises ValueError, whose text goes on after the field's name."""
    if isinstance(value, str):
        value = clean(value)
    size = len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))
    if size > limit:
        raise ValueError(f"can have {limit:,} characters")
    if value is None or (isinstance(value, str) and not value.strip()):
        if is_required(item):
            raise ValueError("is missing")
        return False if item["type"] == "bool" else None
    read, what = _READERS.get(item["type"], _READERS["str"])
    try:
        found = read(value)
    except (ValueError, TypeError, OverflowError, Problem):
        raise ValueError(f"must be {what}") from None
    choices = [choice["value"] for choice in item.get("choices") or ()]
    if choices and any(str(each) not in choices for each in (found if isinstance(found, list) else [found])):
        raise ValueError(f"must be among {', '.join(choices)}")
    return found


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise TypeError
    return str(value)


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in YES | NO:
        raise ValueError
    return word in YES


YES, NO = frozenset({"1", "true", "yes", "y", "on"}), frozenset({"0", "false", "no", "n", "off"})


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    number = int(value)
    if abs(number) > WHOLE_LIMIT:
        raise ValueError
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _list(value: Any) -> list[Any]:
    """A list; or text with one item a line, or written as JSON."""
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
        return [line.strip() for line in value.splitlines() if line.strip()]
    found: list[Any] = _made_of(list)(value)
    return found


def _made_of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        data = strict_json.parse(value.encode()) if isinstance(value, str) else value
        if not isinstance(data, kind):
            raise TypeError
        return data

    return read


_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = MappingProxyType(
    {
        "str": (_text, "a text"),
        "bool": (_truth, "yes or no"),
        "int": (_whole, "a whole number"),
        "float": (_number, "a number"),
        "list": (_list, "a list, one item a line"),
        "dict": (_made_of(dict), "an object, written as JSON"),
    }
)
