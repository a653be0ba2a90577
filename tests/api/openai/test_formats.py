"""Answers in a form that the client asks for: how it is written, and which agents can be held to it."""

from typing import Any

import pytest

from agentos.agents.models import DjangoAgent
from agentos.agents.providers import FORMATS, PROVIDERS
from agentos.api.openai.errors import BadField
from agentos.api.openai.formats import SCHEMA_LIMIT, check_format, format_of

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
WANTED = {"type": "json_schema", "json_schema": {"name": "out", "schema": SCHEMA, "strict": True}}


class TestFormat:
    @pytest.mark.parametrize("given", [None, "text", {"type": "text"}, {}])
    def test_is_text_unless_it_is_said(self, given: Any) -> None:
        assert format_of(given, "response_format") is None

    def test_is_the_same_in_both_protocols(self) -> None:
        assert format_of(WANTED, "response_format") == WANTED
        flat = {"type": "json_schema", "name": "out", "schema": SCHEMA, "strict": True, "description": None}
        assert format_of(flat, "text.format") == WANTED
        assert format_of({"type": "json_object"}, "text.format") == {"type": "json_object"}

    @pytest.mark.parametrize(
        "given",
        [
            "json_schema",
            {"type": "grammar"},
            {"type": []},
            [],
            7,
            {"type": "json_schema"},
            {"type": "json_schema", "json_schema": "x"},
            {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}},
            {"type": "json_schema", "json_schema": {"name": "x" * 65, "schema": {}}},
            {"type": "json_schema", "json_schema": {"schema": {}}},
            {"type": "json_schema", "json_schema": {"name": "a", "schema": []}},
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {"title": "x" * SCHEMA_LIMIT}}},
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_has_a_shape(self, given: Any) -> None:
        with pytest.raises(BadField) as caught:
            format_of(given, "response_format")
        assert caught.value.field == "response_format"
        assert caught.value.sentence.endswith(".")


class TestAgents:
    @pytest.mark.parametrize(
        ("agent", "why"),
        [
            ({"model": "openai:gpt-5.4"}, ""),
            ({"model": "local:smollm2"}, ""),
            ({"model": "openai:gpt-5.4", "tools": ["clock"]}, "uses tools"),
            ({"model": "scripted:tool"}, "uses tools"),
            ({"model": "anthropic:claude-opus-5"}, "cannot be held to"),
            ({"model": "nowhere:x"}, "cannot be held to"),
        ],
        ids=str,
    )
    def test_that_cannot_say_so(self, agent: dict[str, Any], why: str) -> None:
        made = DjangoAgent(agent_id="assistant", **agent)
        check_format(made, None, "response_format")
        if not why:
            check_format(made, WANTED, "response_format")
            return
        with pytest.raises(BadField, match=why) as caught:
            check_format(made, WANTED, "response_format")
        assert (caught.value.field, caught.value.status) == ("response_format", 400)

    def test_that_can_are_of_providers_that_there_are(self) -> None:
        assert set(PROVIDERS) >= FORMATS
