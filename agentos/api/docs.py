"""The page that people read: the OpenAPI document, told by its tags, with an example call of every operation."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_page
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from agentos.api.app import api
from agentos.api.scopes import NEEDED
from agentos.core.rendering import markdown

JSON = "application/json"
STREAM = "text/event-stream"
BYTES = "application/octet-stream"
ANYTHING = "*/*"
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: str
    required: bool
    about: SafeString
    where: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A body that goes in or comes out. ``status`` of an answer, with its name."""

    fields: list[Field]
    example: SafeString
    about: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    id: str
    method: str
    path: str
    summary: str
    about: SafeString
    scope: str
    parameters: list[Field]
    bodies: list[Content]
    answers: list[Content]
    errors: list[str]
    curl: SafeString


@dataclass(frozen=True, slots=True)
class Chapter:
    name: str
    endpoints: list[Endpoint]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    root = request.build_absolute_uri("/").rstrip("/")
    return render_page(
        request, "agentos/api_docs.html", {"chapters": chapters(root), "about": about(), "document_url": reverse("api:openapi-json")}
    )


@cache
def about() -> SafeString:
    return markdown.render(api.description, wrapped=True)


@lru_cache(maxsize=8)  # the names that this server is called by
def chapters(root: str) -> list[Chapter]:
    document = api.get_openapi_schema()
    described: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found = Reader(document, root).endpoint(method.upper(), path, operation)
            described.setdefault(operation["tags"][-1], []).append(found)
    return [Chapter(name, endpoints) for name, endpoints in described.items()]


class Reader:
    """Reads one document; ``root`` is where its examples call."""

    def __init__(self, document: Schema, root: str) -> None:
        self.document = document
        self.root = root

    def endpoint(self, method: str, path: str, operation: Schema) -> Endpoint:
        parameters = operation["parameters"]
        taken = operation.get("requestBody", {}).get("content", {})
        bodies = self.contents(taken.get(JSON, {}).get("schema"))
        if BYTES in taken:
            bodies.append((Content([], SafeString(), "The bytes, as they are."), None))
        return Endpoint(
            id=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            about=markdown.render(operation.get("description", ""), wrapped=True),
            scope=NEEDED[operation["operationId"]],
            parameters=[self.parameter(parameter) for parameter in parameters],
            bodies=[content for content, _ in bodies],
            answers=[answer for status, described in operation["responses"].items() for answer in self.answers(int(status), described)],
            errors=[
                f"{status} {HTTPStatus(int(status)).phrase}"
                for status in sorted(operation["responses"], key=int)
                if int(status) >= HTTPStatus.BAD_REQUEST
            ],
            curl=code(self.curl(method, path, operation, bodies[0][1] if bodies else None), "bash"),
        )

    def parameter(self, parameter: Schema) -> Field:
        schema = parameter["schema"]
        return Field(
            parameter["name"],
            self.kind(schema),
            parameter["required"],
            markdown.render(parameter.get("description", ""), wrapped=True),
            parameter["in"],
        )

    def answers(self, status: int, described: Schema) -> Iterator[Content]:
        """Of a good status."""
        if status >= HTTPStatus.BAD_REQUEST:
            return
        said = f"{status} {HTTPStatus(status).phrase}"
        contents = described.get("content", {})
        if not contents:
            yield Content([], SafeString(), "No content.", said)
        for content, _ in self.contents(contents.get(JSON, {}).get("schema")):
            yield Content(content.fields, content.example, content.about, said)
        if STREAM in contents:
            yield Content([], code(contents[STREAM]["example"], ""), "As a stream of events.", said)
        if ANYTHING in contents:
            yield Content([], SafeString(), described["description"], said)

    def contents(self, schema: Schema | None) -> list[tuple[Content, Any]]:
        """What a schema allows, one after the other, each with its example."""
        if schema is None:
            return []
        found = []
        for choice in schema.get("oneOf") or schema.get("anyOf") or [schema]:
            model = self.resolved(choice)
            example = model.get("examples", [None])[0]
            text = code(json.dumps(example, indent=2, ensure_ascii=False), "json") if example is not None else SafeString()
            found.append((Content(self.fields(model), text, model.get("description", "")), example))
        return found

    def fields(self, model: Schema) -> list[Field]:
        required = model.get("required", ())
        return [
            Field(name, self.kind(schema), name in required, markdown.render(schema.get("description", ""), wrapped=True))
            for name, schema in model.get("properties", {}).items()
        ]

    def resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        found: Schema = self.document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema
        return found

    def kind(self, schema: Schema) -> str:
        """What may stand there, in words."""
        if "$ref" in schema:
            return str(schema["$ref"].rpartition("/")[2])
        if choices := schema.get("anyOf"):
            return " or ".join(self.kind(choice) for choice in choices)
        if "const" in schema:
            return json.dumps(schema["const"])
        if "enum" in schema:
            return ", ".join(map(str, schema["enum"]))
        kind = str(schema.get("format") or schema.get("type") or "anything")
        return f"list of {self.kind(schema['items'])}" if kind == "array" else kind

    def curl(self, method: str, path: str, operation: Schema, example: Any) -> str:
        """A call that can be pasted into a shell."""
        names = {
            parameter["name"]: str(parameter.get("example", "...")) for parameter in operation["parameters"] if parameter["in"] == "path"
        }
        url = re.sub(r"{(\w+)}", lambda found: names[found[1]], path)
        asked = [each for each in operation["parameters"] if each["in"] == "query" and each["required"]]
        if asked:
            url = f"{url}?{urlencode({each['name']: each.get('example', '...') for each in asked})}"
        is_bytes = BYTES in operation.get("requestBody", {}).get("content", {})
        verb = "" if method == ("POST" if is_bytes or example is not None else "GET") else f"-X {method} "
        follows = "-N " if operation["operationId"] == "run_events" else ""
        lines = [f"curl {follows}{verb}{shlex.quote(self.root + url)}", '-H "Authorization: Bearer $AGENTOS_TOKEN"']
        if example is not None:
            said = json.dumps(example, ensure_ascii=False).replace("'", r"'\''")
            lines += ['-H "Content-Type: application/json"', f"-d '{said}'"]
        if is_bytes:
            name = asked[0]["example"] if asked else "slice"
            lines += [f'-H "Content-Type: {BYTES}"', f"--data-binary @{name}"]
        return " \\\n  ".join(lines)


def code(text: str, language: str) -> SafeString:
    return markdown.render(f"```{language}\n{text}\n```")
