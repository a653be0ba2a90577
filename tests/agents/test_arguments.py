"""How people read what a call is made with, before they approve it."""

from collections.abc import Mapping

import pytest

from agentos.agents.arguments import readable
from agentos.chat.asks import asks_of
from agentos.core.fragments import draw
from tests.html import page

MAIL = {"text": "Dear Ada,\n\nhere it is.\n", "subject": "Figures", "to": ["ada@example.com", "ben@example.com"], "when": None}


def read(name: str, arguments: Mapping[str, object]) -> list[tuple[str, str, bool]]:
    return [(each.label, each.text, each.is_text) for each in readable(name, arguments)]


def test_a_tool_says_in_which_order_and_nothing_is_left_out() -> None:
    assert read("send_mail", MAIL) == [
        ("To", "ada@example.com\nben@example.com", True),
        ("Subject", "Figures", True),
        ("Text", "Dear Ada,\n\nhere it is.\n", True),
        ("When", "null", False),
    ]


@pytest.mark.parametrize(
    ("value", "text", "is_text"),
    [
        ("One\nTwo", "One\nTwo", True),
        ("", '""', False),
        ("  ", '"  "', False),
        ("\n", '"\\n"', False),
        (" ada@example.com", '" ada@example.com"', False),
        (7, "7", False),
        (True, "true", False),
        ([], "[]", False),
        (["a", "b"], "a\nb", True),
        (["a\nb"], '[\n  "a\\nb"\n]', False),
        (["a\u2028b"], '[\n  "a\u2028b"\n]', False),
        (["a", ""], '[\n  "a",\n  ""\n]', False),
        (["a", 1], '[\n  "a",\n  1\n]', False),
        ({"a": "ä"}, '{\n  "a": "ä"\n}', False),
    ],
)
def test_of_any_tool_are_texts_as_they_are_and_the_rest_is_json(value: object, text: str, is_text: bool) -> None:
    assert read("anything", {"someValue": value}) == [("Some value", text, is_text)]


def test_are_drawn_with_their_lines_and_with_what_cannot_be_seen() -> None:
    requirement = {"call_id": "c", "kind": "confirm", "name": "send_mail", "args": {**MAIL, "subject": "A\u202eB <b>"}, "fields": []}
    (ask,) = asks_of([requirement], of="turn-1")
    found = page(draw("chat/_arguments.html", {"arguments": ask.reading}))
    assert found.texts("dt") == ["To", "Subject", "Text", "When"]
    assert found.texts("pre")[1] == "A\\u202eB <b>"
    assert "Dear Ada,\n\nhere it is.\n" in found.all("pre")[2].get_text()
    assert not found.has("b")
