"""Answers in a form that the client asks for: JSON, or JSON by a schema. The model's provider sees to it, where it can."""

import json
import re
from typing import Any

from agentos.agents import providers, scripts
from agentos.agents.models import DjangoAgent
from agentos.api.openai.errors import BadField

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
SCHEMA_LIMIT = 32_000  # characters of JSON

Format = dict[str, Any]


def format_of(given: Any, field: str) -> Format | None:
    """Return the format as Chat Completions writes it, None for plain text. Of Responses it stands in the format itself.

    Raises BadField.
    """
    kind = given.get("type") if isinstance(given, dict) else given
    if kind in (None, "text"):  # whatever it is, it may not have a hash
        return None
    if kind == "json_object":
        return {"type": "json_object"}
    if kind != "json_schema" or not isinstance(given, dict):
        raise BadField(field, f"{field} is of type text, json_object or json_schema.", code="unsupported_parameter")
    described = given.get("json_schema", given)
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        raise BadField(field, f"{field}: json_schema needs a schema, which is an object.")
    name = described.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadField(field, f"{field}: the name of a schema has up to 64 letters, digits, _ and -.")
    if len(json.dumps(schema)) > SCHEMA_LIMIT:
        raise BadField(field, f"{field}: a schema can have {SCHEMA_LIMIT:,} characters of JSON.")
    wanted = {"name": name, "schema": schema, "strict": described.get("strict")}
    return {"type": "json_schema", "json_schema": {key: value for key, value in wanted.items() if value is not None}}


def check_format(agent: DjangoAgent, wanted: Format | None, field: str) -> None:
    """Raises BadField where the agent would not keep to it. One with tools says in between what it does."""
    if wanted is None:
        return
    slug, model_id = providers.split(agent.model)
    script = scripts.parse(model_id) if slug == providers.SCRIPTED.slug else None
    why = ""
    if agent.tools or (script and script.tools):
        why = f"The agent {agent.agent_id} uses tools, so it answers with text: ask an agent without tools for {field}."
    elif not (provider := providers.PROVIDERS.get(slug)) or not provider.formats:
        why = f"The model of the agent {agent.agent_id} cannot be held to {field}. Leave it out, and ask for JSON in the message."
    if why:
        raise BadField(field, why, code="unsupported_parameter")
