"""What a server says of a tool, made fit to be stored, shown and given to a model, or refused with a sentence."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agentos.core.security.invisible import without
from agentos.core.text import clean, shorten

TOOLS = 200  # of one server
SCHEMA_LIMIT = 32_000  # characters of JSON
DEPTH_LIMIT = 16
NAME_LIMIT = 128  # of the protocol
CALLED_LIMIT = 64  # of the models
DESCRIPTION_LIMIT = 1000

UNFIT = re.compile(r"[^A-Za-z0-9_-]")
HINTS = {"readOnlyHint": "read_only", "destructiveHint": "destructive"}


@dataclass(frozen=True, slots=True)
class Definition:
    """``problem``: a sentence, for a tool that nobody can be given."""

    name: str
    description: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    hints: dict[str, bool] = field(default_factory=dict)
    problem: str = ""

    @property
    def hash(self) -> str:
        """Of all that a model is told, and of what the server says of itself: whatever changes in it has to be accepted again."""
        said = json.dumps([self.name, self.description, self.schema, self.hints], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()

    def stored(self) -> dict[str, Any]:
        return {"description": self.description, "schema": self.schema, "hints": self.hints, "hash": self.hash}


class Unfit(ValueError):
    """The text is a sentence: why a definition cannot be used."""


def called(slug: str, tool: str) -> str:
    """Return the name by which models call a tool: the server's slug and its own name, as far as models take it.

    No slug has an underscore, so no two tools of different servers share a name; what is cut or replaced is told apart by a hash.
    """
    plain = f"{slug}_{UNFIT.sub('_', tool)}"
    if plain == f"{slug}_{tool}" and len(plain) <= CALLED_LIMIT:
        return plain
    mark = hashlib.sha256(tool.encode()).hexdigest()[:6]
    return f"{plain[: CALLED_LIMIT - 7]}_{mark}"


def read(raw: Any) -> Definition | None:
    """Return a tool of a server's list, as data from the wire; None for what has no name by which it could be told of."""
    name = raw.get("name") if isinstance(raw, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= NAME_LIMIT or not (name.isascii() and name.isprintable()) or name != name.strip():
        return None
    description = without(clean(_text(raw, "description") or _text(raw, "title")))
    description = description if len(description) <= DESCRIPTION_LIMIT else description[: DESCRIPTION_LIMIT - 1] + "…"
    try:
        return Definition(name, description, checked(raw.get("inputSchema")), _hints(raw.get("annotations")))
    except Unfit as unfit:
        return Definition(name, description, problem=str(unfit))


def checked(schema: Any) -> dict[str, Any]:
    """Return the schema of a tool's arguments. Raises Unfit for what is none, is too large, or looks elsewhere."""
    if not isinstance(schema, dict):
        raise Unfit("Its arguments have no schema.")
    if depth(schema) > DEPTH_LIMIT:
        raise Unfit(f"The schema of its arguments is more than {DEPTH_LIMIT} levels deep.")
    text = json.dumps(schema, ensure_ascii=False)
    if len(text) > SCHEMA_LIMIT:
        raise Unfit(f"The schema of its arguments has {len(text):,} characters; {SCHEMA_LIMIT:,} can be used.")
    if schema.get("type") != "object":
        raise Unfit("The schema of its arguments describes no object.")
    if any(not ref.startswith("#") for ref in references(schema)):
        raise Unfit("The schema of its arguments refers to another document.")
    _check_is_schema(schema)
    plain: dict[str, Any] = json.loads(clean(text))
    plain.pop("$schema", None)  # some providers refuse it
    plain.setdefault("properties", {})
    return plain


def depth(value: Any) -> int:
    """Return how deep a value is, without recursion: a hostile one would end that."""
    most, open_ = 0, [(value, 1)]
    while open_:
        item, level = open_.pop()
        most = max(most, level)
        if level > DEPTH_LIMIT:
            return level
        if isinstance(item, dict | list):
            open_.extend((each, level + 1) for each in (item.values() if isinstance(item, dict) else item))
    return most


def references(value: Any) -> Iterator[str]:
    open_ = [value]
    while open_:
        item = open_.pop()
        if isinstance(item, dict):
            yield from (str(item[key]) for key in ("$ref", "$dynamicRef", "$recursiveRef") if isinstance(item.get(key), str))
            open_.extend(item.values())
        elif isinstance(item, list):
            open_.extend(item)


def _check_is_schema(schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415 - takes 0.1 s to load, and few processes need it

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = "".join(f" in {name!r}" for name in list(error.absolute_path)[-1:] if isinstance(name, str))
        raise Unfit(shorten(f"The schema of its arguments is not valid{where}: {error.message}", 280)) from None
    required = schema.get("required", [])
    missing = [name for name in required if name not in schema.get("properties", {})]
    if missing and schema.get("additionalProperties") is False:
        raise Unfit(shorten(f"The schema of its arguments wants what it does not let anybody give: {', '.join(missing)}.", 280))


def _text(raw: dict[str, Any], name: str) -> str:
    found = raw.get(name)
    return found if isinstance(found, str) else ""


def _hints(raw: Any) -> dict[str, bool]:
    return {ours: raw[theirs] for theirs, ours in HINTS.items() if isinstance(raw.get(theirs), bool)} if isinstance(raw, dict) else {}
