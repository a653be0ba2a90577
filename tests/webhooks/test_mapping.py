"""The mapping: what stands where in a sender's JSON. Nothing in it is ever a template."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.core.http.errors import Problem
from agentos.webhooks.inbound import mapping
from agentos.webhooks.inbound.mapping import Command
from agentos.webhooks.inbound.models import EVENT_LIMIT, KEY_LIMIT, WebhookEndpoint

NAMES = st.text("abcdef0123456789_-", min_size=1, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def endpoint(**fields: str) -> WebhookEndpoint:
    return WebhookEndpoint(**fields)


def read(payload: Any, **fields: str) -> Command:
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
    def test_that_is_no_text_is_given_to_the_agent_as_json_that_can_be_read(self) -> None:
        payload = {"event": "message_received", "data": {"text": {"für": ["a", 1]}, "thread": "a"}}
        assert read(payload).message == '{\n  "für": [\n    "a",\n    1\n  ]\n}'

    def test_gets_the_prefix_as_it_stands(self) -> None:
        payload = {"event": "message_received", "data": {"text": "{{ x }} {text} %s", "thread": "a"}}
        assert read(payload, preamble="A ticket ({event}):").message == "A ticket ({event}):\n\n{{ x }} {text} %s"

    @pytest.mark.parametrize("value", [{"a": ["ü", 1]}, [1, 2], 7, 1.5, True])
    def test_that_is_no_text_is_given_as_json(self, value: Any) -> None:
        found = read({"event": "e", "value": value}, message_events="*", message_path="value", key_path="").message
        assert json.loads(found) == value
        assert "\\u" not in found

    def test_is_each_event_that_is_named(self) -> None:
        for event, action in (("a.b", "message"), ("c", "message"), ("message_received", ""), ("", None)):
            payload = {"event": event, "data": {"text": "t", "thread": "k"}}
            if action is None:
                with pytest.raises(Problem):
                    read(payload, message_events="a.b, c")
            else:
                assert read(payload, message_events="a.b, c").action == action

    def test_is_never_one_of_our_own_events(self) -> None:
        assert read({"event": "session.create", "data": {"thread": "k"}}, message_events="*").action == "create"

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
        command = read(mapping.sample(endpoint(**fields)), **fields)
        assert command.action == "message"
        assert command.message
        assert bool(command.key) is (fields.get("key_path") != "")


class TestARefusal:
    """Each says which path, and what is wrong with what stands there."""

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            (True, "event: Must be text or a whole number; it is true or false."),
            (1.5, "event: Must be text or a whole number; it is a fraction."),
            (None, "event: Must be text or a whole number; it is null."),
            ({}, "event: Must be text or a whole number; it is an object."),
            ([], "event: Must be text or a whole number; it is a list."),
            (" \n ", f"event: Must have 1 to {EVENT_LIMIT} characters; it has 0."),
            ("x" * (EVENT_LIMIT + 1), f"event: Must have 1 to {EVENT_LIMIT} characters; it has {EVENT_LIMIT + 1}."),
        ],
    )
    def test_of_an_event(self, value: Any, sentence: str) -> None:
        with pytest.raises(Problem) as refused:
            read({"event": value}, message_events="*")
        assert (refused.value.status, refused.value.code, refused.value.sentence) == (422, "mapping_failed", sentence)

    def test_of_a_key_that_is_too_long(self) -> None:
        payload = {"event": "e", "data": {"text": "t", "thread": "k" * KEY_LIMIT}}
        assert read(payload, message_events="*").key == "k" * KEY_LIMIT
        payload["data"] = {"text": "t", "thread": "k" * (KEY_LIMIT + 1)}
        with pytest.raises(Problem, match=f"1 to {KEY_LIMIT} characters"):
            read(payload, message_events="*")

    @pytest.mark.parametrize("value", [None, "", [], {}])
    def test_of_an_empty_message(self, value: Any) -> None:
        with pytest.raises(Problem, match="Is empty"):
            read({"event": "e", "text": value}, message_events="*", message_path="text", key_path="")

    @pytest.mark.parametrize("value", [0, False])
    def test_of_no_message_that_says_something(self, value: Any) -> None:
        assert read({"event": "e", "text": value}, message_events="*", message_path="text", key_path="").message == json.dumps(value)

    def test_of_a_stop_without_a_key(self) -> None:
        with pytest.raises(Problem, match="needs a session key"):
            read({"event": "run.stop"}, key_path="")
        assert read({"event": "run.stop", "data": {"thread": "k"}}) == Command("run.stop", "stop", "k")
        assert read({"event": "session.create"}, key_path="") == Command("session.create", "create", "")
