"""What a waiting run asks a person, as a form shows it."""

from typing import Any

import pytest

from agentos.agents.runtime import Answer, approvals
from agentos.chat.asks import Field, answers_in, asks_of


def requirement(**field: Any) -> dict[str, Any]:
    return {
        "call_id": "call_1",
        "name": "book",
        "kind": "input",
        "fields": [{"name": "breakfast", "type": "bool", "required": False, **field}],
    }


class TestABox:
    @pytest.mark.parametrize(("typed", "is_ticked"), [("on", True), (" Yes ", True), ("0", False), ("", False)])
    def test_is_ticked_again_as_it_was_sent(self, typed: str, is_ticked: bool) -> None:
        (ask,) = asks_of([requirement()], {"value-call_1-breakfast": typed}, of="turn-1")
        assert ask.fields[0].is_ticked is is_ticked

    def test_is_ticked_where_the_agent_has_ticked_it(self) -> None:
        (ask,) = asks_of([requirement(value=True)], of="turn-1")
        assert ask.fields[0].is_ticked

    def test_is_none_for_what_is_no_yes_or_no(self) -> None:
        (ask,) = asks_of([requirement(type="str")], {"value-call_1-breakfast": "yes"}, of="turn-1")
        assert not ask.fields[0].is_ticked


FORM = {
    "call_id": "call_1",
    "kind": approvals.INPUT,
    "name": "book_room",
    "args": {"city": "Köln"},
    "fields": [
        {"name": "number_of_nights", "type": "int", "description": "How long"},
        {"name": "guests", "type": "list", "value": ["Ada"]},
    ],
}
CONFIRM = {"call_id": "call_2", "kind": "confirm", "name": "post_letter", "args": {}, "fields": []}


class TestWhatIsAsked:
    def test_is_shown_with_what_the_agent_has_filled_in(self) -> None:
        form, confirm = asks_of([FORM, CONFIRM], of="turn-1")
        assert (form.id, form.call_id, form.is_form, confirm.id, confirm.is_form) == ("turn-1-ask-1", "call_1", True, "turn-1-ask-2", False)
        assert ([(each.label, each.text) for each in form.reading], confirm.reading) == ([("City", "Köln")], ())
        nights, guests = form.fields
        assert (nights.id, nights.label, nights.hint, nights.keyboard, nights.text) == (
            "turn-1-ask-1-field-1",
            "Number of nights",
            "How long",
            "numeric",
            "",
        )
        assert (guests.id, guests.control, guests.hint, guests.text) == ("turn-1-ask-1-field-2", "lines", "One a line.", '["Ada"]')
        assert (form.note, form.decision) == ("", "")

    def test_is_shown_again_as_it_was_typed_with_what_is_wrong(self) -> None:
        posted = {"decision": "no", "decision-call_1": "yes", "value-call_1-number_of_nights": "nan", "note-call_1": "Soon"}
        errors = {("call_1", "number_of_nights"): "Must be a number.", ("call_1", "guests"): "Is missing."}
        form, confirm = asks_of([FORM, CONFIRM], posted, errors, of="turn-1")
        assert [(field.text, field.error, field.has_focus) for field in form.fields] == [
            ("nan", "Must be a number.", True),
            ("", "Is missing.", False),
        ]
        assert (form.note, form.decision, confirm.note, confirm.decision) == ("Soon", "yes", "", "no")


class TestAnAnswer:
    def test_is_read_for_each_call(self) -> None:
        posted = {
            "decision": "no",
            "decision-call_1": "yes",
            "value-call_1-number_of_nights": "2",
            "value-call_1-guests": "Ada",
            "note-call_1": " Soon ",
            "note-call_2": "Not now",
        }
        assert answers_in(posted, [FORM, CONFIRM]) == [
            Answer("call_1", confirmed=True, note="Soon", values={"number_of_nights": "2", "guests": "Ada"}),
            Answer("call_2", confirmed=False, note="Not now", values={}),
        ]

    @pytest.mark.parametrize(("posted", "is_yes"), [({"decision": "yes"}, True), ({"decision": "no"}, False), ({}, False)])
    def test_is_a_yes_only_where_somebody_says_so(self, posted: dict[str, str], is_yes: bool) -> None:
        """A no takes no values along."""
        (answer,) = answers_in({**posted, "value-call_1-number_of_nights": "2"}, [FORM])
        assert (answer.confirmed, answer.values) == (is_yes, {"number_of_nights": "2", "guests": ""} if is_yes else {})


@pytest.mark.parametrize(
    ("hint", "error", "described_by"),
    [("", "", ""), ("One a line.", "", "ask-1-hint"), ("", "Write one.", "ask-1-error"), ("a", "b", "ask-1-hint ask-1-error")],
)
def test_a_field_names_what_says_more_of_it(hint: str, error: str, described_by: str) -> None:
    assert Field("ask-1", "n", "N", hint, "text", "", is_required=True, error=error).described_by == described_by
