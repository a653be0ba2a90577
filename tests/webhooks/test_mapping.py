"""The mapping: what stands where in a sender's JSON. Nothing in it is ever a template."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.core.errors import Problem
from agentos.webhooks import mapping
from agentos.webhooks.mapping import Wish
from agentos.webhooks.models import WebhookEndpoint

NAMES = st.text("abcdef0123456789_-", min_size=1, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def endpoint(**fields: str) -> WebhookEndpoint:
    return WebhookEndpoint(**fields)


def read(payload: Any, **fields: str) -> Wish:
    return mapping.read(endpoint(**fields), payload)


class TestAPath:
    @pytest.mark.parametrize(
        ("path", "value"),
        [("a", {"b": [1, {"c": "deep"}]}), ("a.b", [1, {"c": "deep"}]), ("a.b.0", 1), ("a.b.1.c", "deep"), ("0", "key")],
    )
    def test_leads_through_objects_and_lists(self, path: str, value: Any) -> None:
        assert mapping.find({"a": {"b": [1, {"c": "deep"}]}, "0": "key"}, path) == value

    @pytest.mark.parametrize(
        ("path", "sentence"),
        [
            ("x", "x: There is no “x” in the event."),
            ("a.x", "a.x: There is no “x” in a."),
            ("a.b.2", "a.b.2: There is no “2” in a.b."),
            ("a.b.-1", "a.b.-1: There is no “-1” in a.b."),
            ("a.b.9999999999", "a.b.9999999999: There is no “9999999999” in a.b."),
            ("a.b.٠", "a.b.٠: There is no “٠” in a.b."),
            ("a.b.0.c", "a.b.0.c: There is no “c” in a.b.0."),
            ("a.__class__", "a.__class__: There is no “__class__” in a."),
            ("t.upper", "t.upper: There is no “upper” in t."),
        ],
    )
    def test_that_leads_nowhere_says_where_it_ends(self, path: str, sentence: str) -> None:
        with pytest.raises(Problem) as refused:
            mapping.find({"a": {"b": [1]}, "t": "text"}, path)
        assert (refused.value.status, refused.value.sentence) == (422, sentence)

    @given(payload=JSON, path=st.lists(NAMES, min_size=1, max_size=4).map(".".join))
    def test_finds_or_refuses_and_never_breaks(self, payload: Any, path: str) -> None:
        for fields in ({"event_path": path}, {"message_path": path}, {"key_path": path}):
            with suppress(Problem):
                assert read(payload, message_events="*", **fields).event


class TestAMessage:
    def test_gets_the_prefix_as_it_stands(self) -> None:
        payload = {"event": "message_received", "data": {"text": "{{ x }} {text} %s", "thread": "a"}}
        assert read(payload, preamble="A ticket ({event}):").message == "A ticket ({event}):\n\n{{ x }} {text} %s"

    @pytest.mark.parametrize("value", [{"a": ["ü", 1]}, [1, 2], 7, 1.5, True])
    def test_that_is_no_text_is_given_as_json(self, value: Any) -> None:
        found = read({"event": "e", "value": value}, message_events="*", message_path="value", key_path="").message
        assert json.loads(found) == value
        assert "\\u" not in found

    def test_is_each_event_that_is_named(self) -> None:
        for event, does in (("a.b", "message"), ("c", "message"), ("message_received", ""), ("", None)):
            payload = {"event": event, "data": {"text": "t", "thread": "k"}}
            if does is None:
                with pytest.raises(Problem):
                    read(payload, message_events="a.b, c")
            else:
                assert read(payload, message_events="a.b, c").does == does

    def test_is_never_one_of_our_own_events(self) -> None:
        assert read({"event": "session.create", "data": {"thread": "k"}}, message_events="*").does == "create"

    def test_has_a_whole_number_as_its_key_too(self) -> None:
        assert read({"event": "message_received", "data": {"text": "t", "thread": 7}}).key == "7"


class TestASample:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"event_path": "type", "message_events": "ticket.created, ticket.changed"},
            {"message_path": "items.0.text", "key_path": "items.0.id"},
            {"message_path": "data", "key_path": "data.id", "message_events": "*"},
            {"key_path": ""},
            {"message_path": "a.b.c", "key_path": "a.b.d", "event_path": "a.e"},
        ],
    )
    def test_is_understood_by_its_own_mapping(self, fields: dict[str, str]) -> None:
        wish = read(mapping.sample(endpoint(**fields)), **fields)
        assert wish.does == "message"
        assert wish.message
        assert bool(wish.key) is (fields.get("key_path") != "")
