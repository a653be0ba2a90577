"""An OpenAPI 3 file, read as far as a model has to know it: which operations there are, and what each takes.

References within the file are followed. What is not within it is not read, and what refers to itself ends somewhere.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LARGEST = 5_000_000  # bytes
MOST = 100  # operations
DEPTH = 12  # of schemas in schemas
NODES = 3000  # of all that one operation takes
ABOUT_LIMIT = 1000  # characters of a description
NAME_LIMIT = 64  # characters, which is what providers take
METHODS = ("get", "post", "put", "patch", "delete")
BODY = "body"
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
NAMED = {"properties", "patternProperties"}
LIMITS = {"exclusiveMinimum", "exclusiveMaximum"}  # which were yes or no in OpenAPI 3.0
DROPPED = {"example", "examples", "xml", "externalDocs", "discriminator", "deprecated", "readOnly", "writeOnly", "$comment", "title"}


class BadSpec(ValueError):
    """A file that cannot be used. The text is a sentence for whoever gave it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``parameters``: the JSON schema of its arguments. ``places``: by the argument's name, where it goes (path, query or body) and under
    which name."""

    name: str
    method: str
    path: str
    description: str
    parameters: Mapping[str, Any]
    places: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Api:
    title: str
    description: str
    url: str
    operations: list[Operation]


def read(data: bytes, only: Collection[str] = ()) -> Api:
    """Return what the file describes; of its operations those of these names, or all. Raises BadSpec."""
    if len(data) > LARGEST:
        raise BadSpec(f"The file has {len(data) / 1_000_000:.0f} MB; up to {LARGEST // 1_000_000} MB are read.")
    try:
        spec = json.loads(data)
    except RecursionError:
        raise BadSpec("The file is nested too deeply.") from None
    except ValueError:
        raise BadSpec("The file is not JSON. Of an API that describes itself in YAML, give the same as JSON.") from None
    if not isinstance(spec, dict) or not str(spec.get("openapi", "")).startswith("3."):
        raise BadSpec("This is not a description of an API in OpenAPI 3.")
    operations = list(_operations(spec))
    if unknown := [name for name in only if name not in {operation.name for operation in operations}]:
        raise BadSpec(f"The file has no operation {', '.join(unknown)}.")
    operations = [operation for operation in operations if not only or operation.name in only]
    if not operations:
        raise BadSpec("The file describes nothing that can be called.")
    if len(operations) > MOST:
        raise BadSpec(f"The file has {len(operations)} operations; an agent can have {MOST}. Name the ones that are wanted.")
    info = _mapping(spec.get("info"))
    return Api(str(info.get("title") or ""), _about(info.get("description")), _server(spec), operations)


def _operations(spec: dict[str, Any]) -> Iterator[Operation]:
    taken: set[str] = set()
    for path, given in _mapping(spec.get("paths")).items():
        item = _mapping(_followed(spec, given))
        if not path.startswith("/"):
            raise BadSpec(f"A path in the file does not begin with /: {path[:80]}.")
        for method in METHODS:
            if isinstance(item.get(method), dict) and (made := _operation(spec, path, method, item, taken)):
                taken.add(made.name)
                yield made


def _operation(spec: dict[str, Any], path: str, method: str, item: Mapping[str, Any], taken: set[str]) -> Operation | None:
    """Return the operation, None for one whose body is not JSON."""
    found = item[method]
    schemas = Schemas(spec)
    properties: dict[str, Any] = {}
    required: list[str] = []
    places: dict[str, tuple[str, str]] = {}
    for parameter in _parameters(spec, item, found):
        where, name = str(parameter.get("in")), str(parameter.get("name"))
        if where not in {"path", "query"}:
            continue  # headers and cookies are the operator's
        argument = _free(name, {*properties, BODY})
        properties[argument] = schemas.expanded(parameter.get("schema")) | _described(parameter)
        places[argument] = (where, name)
        if where == "path" or parameter.get("required") is True:
            required.append(argument)
    if body := _mapping(_followed(spec, found.get("requestBody"))):
        content = _mapping(body.get("content"))
        kind = next((kind for kind in content if kind.split(";")[0] == "application/json" or kind.split(";")[0].endswith("+json")), None)
        if kind is None:
            return None
        properties[BODY] = schemas.expanded(_mapping(content[kind]).get("schema")) | _described(body)
        places[BODY] = (BODY, kind)
        if body.get("required") is True:
            required.append(BODY)
    name = _free(str(found.get("operationId") or f"{method}{path}"), taken)
    about = _about("\n".join(str(text) for text in (found.get("summary"), found.get("description")) if text))
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return Operation(name, method.upper(), path, about or f"{method.upper()} {path}", parameters, places)


def _parameters(spec: dict[str, Any], *holders: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parameters of a path and of an operation, which goes before."""
    found: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for holder in holders:
        given = holder.get("parameters")
        for each in given if isinstance(given, list) else ():
            parameter = _mapping(_followed(spec, each))
            found[str(parameter.get("in")), str(parameter.get("name"))] = parameter
    return list(found.values())


@dataclass(slots=True)
class Schemas:
    """Writes out the schemas of one operation, with everything that they refer to, until it is enough."""

    spec: dict[str, Any]
    left: int = NODES
    open: list[str] = field(default_factory=list)

    def expanded(self, schema: Any) -> dict[str, Any]:
        found = self._written(schema, DEPTH)
        return found if isinstance(found, dict) else {}

    def _written(self, node: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth < 0:
            return {} if isinstance(node, dict) else [] if isinstance(node, list) else node
        if isinstance(node, list):
            return [self._written(each, depth) for each in node[:200]]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return self._referred(str(node["$ref"]), depth)
        kept = {name: value for name, value in node.items() if name not in DROPPED and not (name in LIMITS and isinstance(value, bool))}
        return {name: self._part(name, value, depth) for name, value in kept.items()}

    def _part(self, name: str, value: Any, depth: int) -> Any:
        if name in NAMED and isinstance(value, dict):  # where every name is one, whatever it means elsewhere
            return {each: self._written(schema, depth - 1) for each, schema in value.items()}
        return _about(value) if name == "description" else self._written(value, depth - 1)

    def _referred(self, ref: str, depth: int) -> Any:
        if ref in self.open:
            return {"description": f"Once more: {ref.rpartition('/')[2]}"}
        self.open.append(ref)
        try:
            return self._written(_pointed(self.spec, ref), depth - 1)
        finally:
            self.open.pop()


def _followed(spec: dict[str, Any], node: Any) -> Any:
    """Return what a reference stands for, or what is no reference as it is."""
    for _ in range(DEPTH):
        if not isinstance(node, dict) or "$ref" not in node:
            return node
        node = _pointed(spec, str(node["$ref"]))
    raise BadSpec("A reference in the file leads back to itself.")


def _pointed(spec: Any, ref: str) -> Any:
    if not ref.startswith("#/"):
        raise BadSpec(f"The file refers to another one ({ref[:80]}). Only what is in the file itself is read: put it in there.")
    for part in ref[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(spec, dict) or name not in spec:
            raise BadSpec(f"The file refers to something that it does not have: {ref[:80]}.")
        spec = spec[name]
    return spec


def _server(spec: dict[str, Any]) -> str:
    servers = spec.get("servers")
    first = _mapping(servers[0]) if isinstance(servers, list) and servers else {}
    url = str(first.get("url") or "")
    for name, variable in _mapping(first.get("variables")).items():
        url = url.replace(f"{{{name}}}", str(_mapping(variable).get("default") or ""))
    return url if url.startswith(("https://", "http://")) else ""


def _free(wanted: str, taken: set[str]) -> str:
    """Return the name as providers take it, and not a second time."""
    name = UNSAFE.sub("_", wanted).strip("_")[:NAME_LIMIT] or "unnamed"
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name[: NAME_LIMIT - 4]}_{number}"
    return free


def _described(holder: Mapping[str, Any]) -> dict[str, str]:
    text = _about(holder.get("description"))
    return {"description": text} if text else {}


def _about(text: Any) -> str:
    said = str(text or "").strip()
    return said if len(said) <= ABOUT_LIMIT else said[: ABOUT_LIMIT - 1] + "…"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
