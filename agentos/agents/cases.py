"""Tests of an agent: what one may expect of an answer, and what an answer has met of it. What a model judges is in ``judging.py``."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from agentos.agents.blueprint import Blueprint, empty, texts
from agentos.agents.models import CRITERION_LENGTH, AgentCase, CaseResult
from agentos.agents.tools import label_of, tools
from agentos.core.http.errors import Problem
from agentos.core.text import clean, folded

CASES = 50  # of one agent
MESSAGE_LENGTH = 32_000  # characters
TEXTS = 20  # that an answer must, or must not, say
TEXT_LENGTH = 200  # characters
TOOLS = 10  # that are expected
TOOL_LENGTH = 100  # characters
KEPT_LENGTH = 20_000  # characters of an answer that is kept

SAYS, LACKS, CALLS, JUDGED = "must_say", "must_not_say", "tools", "criterion"  # kinds of what is expected
SILENT = frozenset({"name", "description", "capabilities", "starters"})  # parts of a blueprint that no answer depends on


class InvalidCase(Problem):
    """A test that cannot be one. ``errors``: a sentence by field."""

    status = 422
    code = "invalid_fields"

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        self.field, sentence = next(iter(self.errors.items()))
        super().__init__(self.status, sentence)


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation, and whether the answer met it; None where that could not be found out. ``said``: why, in the judge's words."""

    kind: str
    wanted: str
    ok: bool | None
    said: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a test that are given as they are kept. Raises InvalidCase."""
    errors, found = {}, {}
    for name, value in given.items():
        try:
            found[name] = _READERS[name](value)
        except ValidationError as error:
            errors[name] = " ".join(error.messages)
    if errors:
        raise InvalidCase(errors)
    return found


def _message(value: Any) -> str:
    text = _text(value, MESSAGE_LENGTH)
    if not text:
        raise ValidationError(_("Write the message that the agent is to answer."))
    return text


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise ValidationError(_("This is a text."))
    text = clean(value).strip()
    if len(text) > limit:
        raise ValidationError(_("At most %(limit)s characters; this has %(has)s.") % {"limit": f"{limit:,}", "has": f"{len(text):,}"})
    return text


_READERS: dict[str, Callable[[Any], Any]] = {
    "message": _message,
    "must_say": texts(TEXTS, TEXT_LENGTH),
    "must_not_say": texts(TEXTS, TEXT_LENGTH),
    "tools": texts(TOOLS, TOOL_LENGTH),
    "criterion": lambda value: " ".join(_text(value, CRITERION_LENGTH).split()),
}
NAMES = tuple(_READERS)


def findings(case: AgentCase, answer: str, called: Collection[str]) -> list[Finding]:
    """Return what an answer, with the functions that were called for it, has met of all that needs no judge."""
    said = folded(answer)
    return [
        *(Finding(SAYS, text, folded(text) in said) for text in case.must_say),
        *(Finding(LACKS, text, folded(text) not in said) for text in case.must_not_say),
        *(Finding(CALLS, tool, _is_called(tool, called)) for tool in case.tools),
    ]


def _is_called(tool: str, called: Collection[str]) -> bool:
    """``tool``: the slug of one, or the name of a function, as models or as people know it."""
    if tool in called or folded(tool) in {folded(label_of(name)) for name in called}:
        return True
    found = tools([tool]).get(tool)
    return found is not None and not set(found.names).isdisjoint(called)


def digest(blueprint: Blueprint) -> str:
    """Return what is the same for two blueprints that answer alike. A part that was not there yet when it was made changes nothing."""
    nothing = empty()
    kept = {name: value for name, value in blueprint.items() if name not in SILENT and value != nothing.get(name)}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def outcome_of(found: Sequence[Finding]) -> str:
    """Return the outcome of a test that was answered."""
    if any(each.ok is False for each in found):
        return CaseResult.Outcome.FAILED
    return CaseResult.Outcome.UNCLEAR if any(each.ok is None for each in found) else CaseResult.Outcome.PASSED
