"""An error says one sentence, to the person who reads it and to whoever logs it."""

import pytest

from agentos.chat import errors
from agentos.chat.errors import ChatError, InvalidInput, TooMuch


@pytest.mark.parametrize(
    "error",
    [InvalidInput("message", "Write first."), TooMuch("Write first.", {"Retry-After": "5"}), errors.QueueFull("Write first.")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_its_sentence(error: ChatError) -> None:
    assert str(error) == error.sentence == "Write first."


def test_an_error_names_what_helps() -> None:
    assert InvalidInput("message", "Write first.").field == "message"
    assert TooMuch("Later.", {"Retry-After": "5"}).headers == {"Retry-After": "5"}
    assert errors.QueueFull("Later.").headers["Retry-After"] == "10"
    assert errors.WrongState("No.").headers == {}


def test_an_input_that_is_refused_says_where() -> None:
    refused = InvalidInput("answers", "One is missing.", {("call_1", "city"): "City is missing."})
    assert (refused.sentence, refused.field, refused.answers) == ("One is missing.", "answers", {("call_1", "city"): "City is missing."})
    assert InvalidInput("title", "It is empty.").answers == {}
