"""Calling APIs of the operator's: each is described by a file of theirs, which says where it is and how to sign in there.

A model chooses an operation and its arguments, and never the host, a header, or what else is sent.
"""

import json
import os
import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentos.agents.tools import openapi, outgoing
from agentos.agents.tools.definition import Refused, Tool, ToolFunction
from agentos.agents.tools.openapi import BODY, BadSpec, Operation
from agentos.agents.tools.schema import BadArguments
from agentos.conf import app_settings
from agentos.core.security.guarded_http import Forbidden, Policy, check_url
from agentos.core.text import clean

SLUG = "http-action"
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
VARIABLE = re.compile(r"\$\{(\w+)\}")
SHOWN = 15_000  # characters of an answer
ERROR_SHOWN = 1000
NOT_SET_UP = "To call an API of yours, describe it in a file and name that in AGENTOS_HTTP_ACTIONS (docs/tools.md)."


class Description(BaseModel):
    """An operator's file. ``openapi``: the file beside it that describes the API; ``headers`` may name variables of the environment,
    ``${SHOP_TOKEN}``; ``only``: the operations that agents get."""

    model_config = ConfigDict(extra="forbid")

    openapi: str
    label: str = ""
    url: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    only: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Api:
    """One API as it was read. ``trouble``: why it has no tool, as a sentence."""

    slug: str
    tool: Tool | None = None
    trouble: str = ""


def configured() -> list[Tool]:
    """Return a tool for each API that the operator has described, or one that says how to."""
    found = [api.tool for api in _apis() if api.tool]
    return found or [Tool(SLUG, "HTTP action", "Calls an API of yours.", group="Web", needs=lambda: NOT_SET_UP)]


def troubles() -> list[str]:
    return [api.trouble for api in _apis() if api.trouble]


def _apis() -> list[Api]:
    return [_api(path) for path in app_settings.HTTP_ACTIONS]


@cache
def _api(path: str) -> Api:
    """Read it once: it is part of what the server was started with."""
    name = Path(path).stem.lower().replace("_", "-")
    try:
        return Api(f"{SLUG}-{name}", _tool(name, Path(path)))
    except (OSError, BadSpec, ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        said = f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}" if isinstance(error, ValidationError) else str(error)
        return Api(f"{SLUG}-{name}", trouble=f"The API of {path} is not there: {' '.join(said.split())}")


def _tool(name: str, path: Path) -> Tool:
    if not NAME.fullmatch(name):
        raise BadSpec("Its name has to begin with a letter, and to have letters, digits and - only.")
    given = Description.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    file = path.parent / given.openapi
    if file.stat().st_size > openapi.LARGEST:
        raise BadSpec(f"{file.name} has {file.stat().st_size // 1_000_000} MB; up to {openapi.LARGEST // 1_000_000} MB are read.")
    api = openapi.read(file.read_bytes(), given.only)
    url = (given.url or api.url).rstrip("/")
    place = Place(f"{SLUG}-{name}", given.label or api.title or name, url, given.headers)
    if not url or urlsplit(url).query:
        raise BadSpec("It needs a url, such as https://shop.example.com/api.")
    try:
        check_url(url, Policy(trusted=(place.host,)).allowed())
    except Forbidden as error:
        raise BadSpec(str(error)) from None
    return Tool(
        place.slug,
        place.label,
        api.description.split("\n", 1)[0][:200] or f"Calls {place.host}.",
        group="Web",
        needs=place.missing,
        is_private=True,
        functions=[_function(name, operation, place) for operation in api.operations],
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where an API is, and what is sent with every request."""

    slug: str
    label: str
    url: str
    fixed: Mapping[str, str]

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def missing(self) -> str:
        names = dict.fromkeys(name for value in self.fixed.values() for name in VARIABLE.findall(value))
        unset = [name for name in names if not _variable(name)]
        return f"To use {self.label}, set {', '.join(unset)}." if unset else ""

    def headers(self) -> dict[str, str]:
        return {name: VARIABLE.sub(lambda match: _variable(match[1]), value) for name, value in self.fixed.items()}


def _variable(name: str) -> str:
    """Return what a variable of the environment holds, or the file that NAME_FILE names. Empty without either."""
    if file := os.environ.get(f"{name}_FILE"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
    return os.environ.get(name, "").strip()


def _function(name: str, operation: Operation, place: Place) -> ToolFunction:
    is_reading = operation.method == "GET"
    return ToolFunction(
        f"{name.replace('-', '_')}_{operation.name}"[: openapi.NAME_LIMIT],
        operation.description,
        operation.parameters,
        _call(operation, place),
        asks=None if is_reading else lambda _context, _arguments: True,
        lasting=operation.method != "DELETE",
        unfit=lambda _context, arguments: _unfit(operation, arguments),
    )


def _unfit(operation: Operation, arguments: Mapping[str, Any]) -> str:
    try:
        _placed(operation, arguments)
    except BadArguments as error:
        return str(error)
    return ""


def _call(operation: Operation, place: Place) -> Callable[..., Awaitable[str]]:
    async def call(**arguments: Any) -> str:
        path, query, body = _placed(operation, arguments)
        policy = Policy(total=outgoing.SECONDS, trusted=(place.host,))
        headers = {"accept": "application/json, text/*;q=0.9", **place.headers()}
        more = {} if body is None else {"json": body}
        try:
            reply = await outgoing.send(
                place.slug, operation.method, place.url + path, policy=policy, params=query or None, headers=headers, **more
            )
        except Refused as error:
            doubt = "" if operation.method == "GET" else " What was asked for may have been done all the same."
            raise Refused(f"{error}{doubt}") from None
        return _told(place, reply)

    return call


def _placed(operation: Operation, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any], Any]:
    """Return the path, the query and the body that these arguments make. Raises BadArguments."""
    if unknown := [name for name in arguments if name not in operation.places]:
        raise BadArguments(f"These arguments do not fit. {operation.name} takes no {', '.join(unknown)}.")
    if missing := [name for name in operation.parameters["required"] if arguments.get(name) is None]:
        raise BadArguments(f"These arguments do not fit. {operation.name} needs {', '.join(missing)}.")
    path, query, body = operation.path, {}, None
    for name, value in arguments.items():
        where, real = operation.places[name]
        if value is None:
            continue
        if where == BODY:
            body = value
        elif where == "query":
            query[real] = [_plain(name, each) for each in value] if isinstance(value, list) else _plain(name, value)
        else:
            path = path.replace(f"{{{real}}}", _segment(name, value))
    if "{" in path:
        raise BadArguments(f"These arguments do not fit. The path {operation.path} needs more of them.")
    return path, query, body


def _segment(name: str, value: Any) -> str:
    """Return a part of a path that stays one part, whatever a model writes."""
    text = _plain(name, value)
    if text.strip() in {"", ".", ".."}:
        raise BadArguments(f"These arguments do not fit. {name} cannot be {text!r}.")
    return quote(text, safe="")


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise BadArguments(f"These arguments do not fit. {name} must be a text or a number.")
    return str(value)


def _told(place: Place, reply: outgoing.Reply) -> str:
    text = clean(reply.body.decode("utf-8", "replace")).strip()
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and not (kind.startswith("text/") or kind.endswith(("json", "xml"))):
        text = f"({len(reply.body):,} bytes of the kind {kind[:60]}, which are not shown)"
    try:
        meaning = f"{reply.status} {HTTPStatus(reply.status).phrase}"
    except ValueError:
        meaning = str(reply.status)
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise Refused(f"{place.label} answered with {meaning}. {text[:ERROR_SHOWN]}".strip())
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Refused(f"{place.label} answered with {meaning}: it is somewhere else now. Its address has to be set right.")
    return _compact(text)[:SHOWN] or meaning


def _compact(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text
