"""The API as it was published, a line for each operation, schema, status and stream: a change of it is a changed line of ``snapshot.txt``.

After a wanted change: ``AGENTOS_SNAPSHOT=write .venv/bin/python -m pytest tests/api/test_snapshot.py``
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentos.api.app import api

SNAPSHOT = Path(__file__).with_name("snapshot.txt")
DOCUMENT: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {f"{method.upper()} {path}": each for path, methods in DOCUMENT["paths"].items() for method, each in methods.items()}
PROSE = {"title", "description", "example", "examples"}


def written(schema: dict[str, Any]) -> str:
    """Return what a schema allows in one line. What has no short form is written with its name, so nothing but prose gets lost."""
    rest = {key: value for key, value in schema.items() if key not in PROSE}
    return " ".join(
        [shape(rest), *(f"{key}={json.dumps(value, ensure_ascii=False, sort_keys=True)}" for key, value in sorted(rest.items()))]
    )


def shape(rest: dict[str, Any]) -> str:
    """Take out of a schema what has a short form, and return that."""
    for choice in ("anyOf", "oneOf"):
        if choice in rest:
            rest.pop("discriminator", None)  # says again what the choices say
            return " | ".join(sorted(written(each) for each in rest.pop(choice)))
    if "$ref" in rest:
        return str(rest.pop("$ref")).rpartition("/")[2]
    if "const" in rest or "enum" in rest:
        rest.pop("type", None)
        return " | ".join(sorted(json.dumps(value) for value in rest.pop("enum", None) or [rest.pop("const")]))
    if "items" in rest and rest.pop("type"):
        return f"[{written(rest.pop('items'))}]"
    if "properties" in rest and rest.pop("type"):
        required = rest.pop("required", ())
        return f"{{{', '.join(field(name, each, name in required) for name, each in sorted(rest.pop('properties').items()))}}}"
    return str(rest.pop("type", "anything"))


def field(name: str, schema: dict[str, Any], is_required: bool) -> str:
    return f"{name}{'' if is_required else '?'}: {written(schema)}"


def answers(operation: dict[str, Any]) -> Iterator[str]:
    for status, answer in sorted(operation["responses"].items()):
        if int(status) < 400:
            yield f"{status} {contents(answer)}"
        else:
            yield status if contents(answer) == "Refused" else f"{status} {contents(answer)}"


def contents(answer: dict[str, Any]) -> str:
    found = [written(each["schema"]) if kind == "application/json" else kind for kind, each in sorted(answer.get("content", {}).items())]
    return " or ".join(found) or "nothing"


def operation_line(operation: dict[str, Any]) -> str:
    who = [" ".join([name, *scopes]) for way in operation["security"] for name, scopes in way.items()]
    asked = [f"{each['in']} {field(each['name'], each['schema'], each['required'])}" for each in operation["parameters"]]
    body = [f"body {contents(operation['requestBody'])}"] if "requestBody" in operation else []
    called = "/".join([*operation["tags"], operation["operationId"]])
    return f"{'; '.join([called, ' or '.join(who), *sorted(asked), *body])} -> {', '.join(answers(operation))}"


def of_answers() -> Iterator[str]:
    """Yield what belongs to a status or to a kind of content, whichever operation gives it."""
    for operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            headers = (f"{name} {written(header['schema'])}" for name, header in sorted(answer["headers"].items()))
            yield f"answer {status}: {', '.join(headers)}"
            yield from (
                f"content {kind}: {written(each['schema'])}" for kind, each in answer.get("content", {}).items() if "json" not in kind
            )


def lines() -> list[str]:
    operations = [f"{label}: {operation_line(operation)}" for label, operation in OPERATIONS.items()]
    schemas = [f"schema {name}: {written(schema)}" for name, schema in SCHEMAS.items()]
    return [*sorted(operations), *sorted(schemas), *sorted(set(of_answers()))]


def by_head(text: list[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text)


class TestSnapshot:
    def test_is_the_api(self) -> None:
        now = lines()
        if os.environ.get("AGENTOS_SNAPSHOT") == "write":
            SNAPSHOT.write_text("\n".join(now) + "\n", encoding="utf-8")
        kept = SNAPSHOT.read_text(encoding="utf-8").splitlines()
        assert by_head(now) == by_head(kept), "The API has changed: the top of this file says how to keep that."

    def test_has_one_line_for_each(self) -> None:
        assert len(by_head(lines())) == len(lines())

    def test_shows_a_change_as_one_line(self) -> None:
        before = set(lines())
        SCHEMAS["Agent"]["properties"]["colour"] = {"type": "string"}
        try:
            assert {line.split(":")[0] for line in before ^ set(lines())} == {"schema Agent"}
        finally:
            del SCHEMAS["Agent"]["properties"]["colour"]

    @pytest.mark.parametrize(
        ("schema", "line"),
        [
            ({"type": "string", "title": "Name", "maxLength": 9}, "string maxLength=9"),
            ({"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}], "description": "Where."}, 'null | string format="uri"'),
            ({"type": "array", "items": {"$ref": "#/components/schemas/Agent"}, "minItems": 1}, "[Agent] minItems=1"),
            ({"type": "object", "properties": {"b": {"const": 1}, "a": {"enum": ["y", "x"]}}, "required": ["b"]}, '{a?: "x" | "y", b: 1}'),
            ({"type": "object", "additionalProperties": True}, "object additionalProperties=true"),
        ],
    )
    def test_says_what_a_schema_allows(self, schema: dict[str, Any], line: str) -> None:
        assert written(schema) == line


class TestGeneratedClients:
    def test_understand_every_schema(self) -> None:
        """openapi-python-client loses the properties of an object that is a choice as well, and names what it makes after the titles."""
        assert [name for name, schema in SCHEMAS.items() if "properties" in schema and {"anyOf", "oneOf", "allOf"} & schema.keys()] == []
        assert [name for name, schema in SCHEMAS.items() if schema.get("title") != name] == []
        assert set(SCHEMAS["MessageIn"]["properties"]) == {
            "message",
            "agent_id",
            "session_id",
            "context",
            "background",
            "model",
            "effort",
            "files",
        }

    def test_find_only_schemas_that_are_there(self) -> None:
        named = {found.rpartition("/")[2] for found in references(DOCUMENT)}
        assert named <= set(SCHEMAS)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from references(each)


class TestReaders:
    @pytest.mark.parametrize("label", sorted(OPERATIONS))
    def test_are_told_what_an_operation_does(self, label: str) -> None:
        operation = OPERATIONS[label]
        assert operation["summary"]
        assert all(answer["description"] for answer in operation["responses"].values())

    def test_are_told_what_the_whole_is(self) -> None:
        assert "Idempotency-Key" in DOCUMENT["info"]["description"]
        assert all(scheme["description"] for scheme in DOCUMENT["components"]["securitySchemes"].values())
