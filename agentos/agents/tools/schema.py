"""The JSON schema of a function, from its signature and its docstring, and the check of what a model passes to it."""

import inspect
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, get_type_hints

from pydantic import ConfigDict, Field, ValidationError, create_model

ARGUMENT = re.compile(r"^\s+(\w+)\s*(?:\([^)]*\))?:\s*(.+)$")


class BadArguments(ValueError):
    """What a model passed does not fit. The text says what, for the model."""


class BadTool(TypeError):
    """A function that cannot be a tool. The text is for its author."""


def of(call: Callable[..., Awaitable[Any]]) -> tuple[str, dict[str, Any], Callable[..., Awaitable[Any]]]:
    """Return the description, the schema of the parameters, and the function behind a check of its arguments. Raises BadTool."""
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

    parameters = model.model_json_schema()
    parameters.pop("title", None)
    for each in parameters.get("properties", {}).values():
        each.pop("title", None)
    return text, {"required": [], **parameters}, checked


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
