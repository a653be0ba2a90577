"""The JSON schema of a function, from its signature and its docstring, and the check of what a model passes to it."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, get_type_hints

from pydantic import ConfigDict, Field, ValidationError, create_model

ARGUMENT = re.compile(r"^\s+(\w+)\s*(?:\([^)]*\))?:\s*(.+)$")


class BadArguments(ValueError):
    """What a model passed does not fit. The text says what, for the model."""


class BadTool(TypeError):
    """A function that cannot be a tool. The text is for its author."""


class Described(NamedTuple):
    """A function as a model is told of it. ``call``: it, behind a check of its arguments; ``misfit``: what that check says of some, a
    sentence; empty when they fit."""

    text: str
    parameters: dict[str, Any]
    call: Callable[..., Awaitable[Any]]
    misfit: Callable[[Mapping[str, Any]], str]


def of(call: Callable[..., Awaitable[Any]]) -> Described:
    """Raises BadTool."""
    if not inspect.iscoroutinefunction(call):
        raise BadTool(f"{call.__name__} must be an async function: nothing that a tool does may hold up the others.")
    text, about = _read(inspect.getdoc(call) or "")
    if not text:
        raise BadTool(f"{call.__name__} needs a docstring: it tells the model what the tool is for.")
    model = create_model(
        call.__name__,
        __config__=ConfigDict(extra="forbid"),
        **{name: _field(name, parameter, hint, about) for name, parameter, hint in _parameters(call)},
    )

    @wraps(call)
    async def checked(**arguments: Any) -> Any:
        try:
            read = model.model_validate(arguments)
        except ValidationError as error:
            raise BadArguments(_sentence(error)) from None
        return await call(**{name: getattr(read, name) for name in type(read).model_fields})

    def misfit(arguments: Mapping[str, Any]) -> str:
        try:
            model.model_validate(arguments)
        except ValidationError as error:
            return _sentence(error)
        return ""

    parameters = model.model_json_schema()
    parameters.pop("title", None)
    for each in parameters.get("properties", {}).values():
        each.pop("title", None)
    return Described(text, {"required": [], **parameters}, checked, misfit)


KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def misfit(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Return why arguments cannot fit a JSON schema of an object, as far as that can be said at a glance: what is missing, what it does not
    have, and what is of another kind. No patterns of others are tried, which could take for ever. Empty when nothing is wrong."""
    known = schema.get("properties")
    known = known if isinstance(known, Mapping) else {}
    required = schema.get("required")
    wrong = [f"{name}: Field required" for name in required if name not in arguments] if isinstance(required, list) else []
    if schema.get("additionalProperties") is False:
        wrong += [f"{name}: Extra inputs are not permitted" for name in arguments if name not in known]
    for name, value in arguments.items():
        about = known.get(name)
        kinds = about.get("type") if isinstance(about, Mapping) else None
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if isinstance(kinds, list) and kinds and not any(_is_a(value, str(kind)) for kind in kinds):
            wrong.append(f"{name}: Input should be of the kind {' or '.join(map(str, kinds))[:60]}")
    return f"These arguments do not fit. {'; '.join(wrong[:5])}." if wrong else ""


def _is_a(value: Any, kind: str) -> bool:
    if kind not in KINDS:
        return True
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def first_line(call: Callable[..., Any]) -> str:
    return (inspect.getdoc(call) or "").split("\n", 1)[0].strip()


def _parameters(call: Callable[..., Any]) -> list[tuple[str, inspect.Parameter, Any]]:
    hints = get_type_hints(call, include_extras=True)
    found = []
    for name, parameter in inspect.signature(call).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY} or name not in hints:
            raise BadTool(f"{call.__name__}: {name} must be a named parameter with a type.")
        found.append((name, parameter, hints[name]))
    return found


def _field(name: str, parameter: inspect.Parameter, hint: Any, about: dict[str, str]) -> Any:
    default = ... if parameter.default is parameter.empty else parameter.default
    return hint, Field(default, description=about.get(name))


def _read(doc: str) -> tuple[str, dict[str, str]]:
    """Return the text before ``Args:``, and what stands there of each argument."""
    head, _, rest = doc.partition("Args:\n")
    about: dict[str, str] = {}
    last = ""
    for line in rest.splitlines():
        if line and not line[0].isspace():
            break
        if match := ARGUMENT.match(line):
            last = match[1]
            about[last] = match[2].strip()
        elif last and line.strip():
            about[last] += f" {line.strip()}"
    return head.strip(), about


def _sentence(error: ValidationError) -> str:
    wrong = [f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in error.errors(include_url=False)[:5]]
    return f"These arguments do not fit. {'; '.join(wrong)}."
