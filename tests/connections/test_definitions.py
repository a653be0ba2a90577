"""What a server says of a tool is fit for a model, or refused with a sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.connections import definitions
from agentos.connections.definitions import called, read

PLAIN = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


class TestTool:
    def test_is_what_a_model_is_told(self) -> None:
        raw = {"name": "add", "description": "Adds.", "inputSchema": PLAIN, "annotations": {"readOnlyHint": True, "title": "x"}}
        tool = read(raw)
        assert tool is not None
        assert (tool.name, tool.description, tool.schema, tool.hints, tool.problem) == ("add", "Adds.", PLAIN, {"read_only": True}, "")

    def test_has_a_short_description_without_what_nobody_sees(self) -> None:
        tool = read({"name": "add", "description": "a\u200b\U000e0041b" + "x" * 5000, "inputSchema": PLAIN})
        assert tool is not None
        assert len(tool.description) == definitions.DESCRIPTION_LIMIT
        assert tool.description.startswith("abx")

    @pytest.mark.parametrize("name", [None, 7, "", "x" * 129, "a\nb", "ä", " a", "a\u200b"])
    def test_without_a_name_is_none(self, name: Any) -> None:
        assert read({"name": name, "inputSchema": PLAIN}) is None

    @pytest.mark.parametrize(
        ("schema", "sentence"),
        [
            (None, "have no schema"),
            ("object", "have no schema"),
            ([], "have no schema"),
            ({}, "describes no object"),
            ({"type": "string"}, "describes no object"),
            ({"type": "object", "properties": 7}, "not valid in 'properties'"),
            ({"type": "object", "properties": {"a": {"type": "number-ish"}}}, "not valid"),
            ({"type": "object", "required": "a"}, "not valid"),
            ({"type": "object", "properties": {"a": {"$ref": "https://evil.example/schema"}}}, "refers to another document"),
            ({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}, "refers to another document"),
            ({"type": "object", "additionalProperties": False, "required": ["b"]}, "wants what it does not let anybody give: b"),
            (nested(40), "levels deep"),
            ({"type": "object", "properties": {f"p{n}": {"type": "string", "description": "x" * 100} for n in range(400)}}, "32,000"),
        ],
    )
    def test_with_a_schema_that_is_none_is_refused(self, schema: Any, sentence: str) -> None:
        tool = read({"name": "add", "description": "Adds.", "inputSchema": schema})
        assert tool is not None
        assert sentence in tool.problem
        assert tool.schema == {}

    def test_that_is_as_deep_as_the_stack_is_refused(self) -> None:
        deep: Any = {}
        for _ in range(100_000):
            deep = {"x": deep}
        tool = read({"name": "add", "inputSchema": deep})
        assert tool is not None
        assert "levels deep" in tool.problem
        while deep:
            deep = deep["x"]

    @pytest.mark.parametrize("what", ["description", "schema", "hints"])
    def test_that_changes_in_anything_is_another(self, what: str) -> None:
        before = {"name": "add", "description": "Adds.", "inputSchema": PLAIN, "annotations": {"readOnlyHint": True}}
        changes: dict[str, Any] = {
            "description": {"description": "Adds!"},
            "schema": {"inputSchema": {"type": "object"}},
            "hints": {"annotations": {}},
        }
        one, same, other = read(before), read({**before, "title": "Sum", "_meta": {}}), read({**before, **changes[what]})
        hashes = [tool.hash for tool in (one, same, other) if tool]
        assert hashes[0] == hashes[1] != hashes[2]

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        )
    )
    def test_reads_whatever_it_is_sent(self, raw: Any) -> None:
        read(raw)
        read({"name": "add", "inputSchema": raw, "description": raw, "annotations": raw})


class TestName:
    def test_begins_with_the_server(self) -> None:
        assert called("github", "create_issue") == "github_create_issue"

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128))
    def test_is_one_that_models_take(self, tool: str) -> None:
        name = called("a-server-with-a-long-na-1", tool)
        assert len(name) <= 64
        assert not definitions.UNFIT.search(name)

    def test_tells_apart_what_looks_alike(self) -> None:
        names = {called("s", tool) for tool in ("a.b", "a/b", "a b", "a_b", "x" * 70, "x" * 71)}
        assert len(names) == 6
