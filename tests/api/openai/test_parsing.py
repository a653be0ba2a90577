"""Reading what a client asks: what is understood, what is ignored, and what is refused with a sentence."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agentos.api.openai.errors import BadField
from agentos.api.openai.parsing import CONVERSATION_LIMIT, AgentRequest, read
from agentos.api.openai.schemas import CompletionIn
from agentos.chat.models import MESSAGE_LIMIT

HELLO = [{"role": "user", "content": "Hello"}]


def asked(messages: Any = None, header: str = "", **more: Any) -> AgentRequest:
    return read(CompletionIn(**{"model": "assistant", "messages": HELLO if messages is None else messages, **more}), header)


def refused(messages: Any = None, header: str = "", **more: Any) -> BadField:
    with pytest.raises(BadField) as caught:
        asked(messages, header, **more)
    assert caught.value.status == 400
    assert caught.value.sentence
    return caught.value


def turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


class TestMessages:
    def test_give_the_last_as_the_question_and_the_others_as_history(self) -> None:
        found = asked([turn("user", "One"), turn("assistant", "Two"), turn("user", "Three")])
        assert (found.model, found.message, found.context) == ("assistant", "Three", {})
        assert found.history == [turn("user", "One"), turn("assistant", "Two")]

    def test_take_turns(self) -> None:
        """Many models refuse two messages of the same role in a row."""
        found = asked(
            [turn("user", "A"), turn("user", "B"), turn("assistant", "C"), turn("assistant", "D"), turn("user", "E"), turn("user", "F")]
        )
        assert found.history == [turn("user", "A\n\nB"), turn("assistant", "C\n\nD")]
        assert found.message == "E\n\nF"

    def test_of_the_application_are_context_and_no_instructions(self) -> None:
        found = asked([turn("system", "Be brief."), turn("user", "A"), turn("developer", "In French."), turn("user", "B")])
        assert found.context == {"application": ["Be brief.", "In French."]}
        assert (found.history, found.message) == ([], "A\n\nB")

    def test_may_come_in_parts_of_text(self) -> None:
        parts = [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]
        assert asked([turn("user", parts)]).message == "One\nTwo"
        assert asked([turn("user", "A"), turn("assistant", [{"type": "refusal", "refusal": "No."}]), *HELLO]).history[1]["content"] == "No."

    def test_that_say_nothing_are_left_out(self) -> None:
        assert asked([turn("user", "A"), turn("assistant", None), turn("assistant", " "), turn("user", "B")]).message == "A\n\nB"

    def test_are_cleaned_like_any_text(self) -> None:
        assert asked([turn("user", "a\r\nb\0")]).message == "a\nb\ufffd"

    def test_of_an_unknown_kind_are_refused(self) -> None:
        error = refused([*HELLO, turn("user", [{"type": "video", "video": {"url": "https://example.com/a.mp4"}}])])
        assert error.field == "messages.1.content"
        assert "video" in error.sentence

    def test_have_files_of_the_last_message_and_where_nothing_is_kept_of_earlier_ones(self) -> None:
        def look(name: str) -> dict[str, Any]:
            return turn("user", [{"type": "file", "file": {"filename": name, "file_data": "QQ=="}}])

        said = [look("a.txt"), turn("assistant", "Yes."), look("b.txt"), turn("user", "And?")]
        assert [file.name for file in asked(said).files] == ["a.txt", "b.txt"]
        assert asked(said).message == "And?"
        assert asked(said).history[0] == {"role": "user", "content": ""}
        assert [file.name for file in asked(said, "session_1").files] == ["b.txt"]
        error = refused([turn("assistant", [{"type": "file", "file": {"file_data": "QQ=="}}]), *HELLO])
        assert "messages of the user's" in error.sentence
        assert "10 files" in refused([look("a.txt") for _ in range(11)]).sentence

    @pytest.mark.parametrize(
        "messages",
        [
            [turn("system", "Only this.")],
            [*HELLO, turn("assistant", "Hi")],
            [turn("user", "")],
            [turn("user", None)],
            [turn("user", [])],
        ],
    )
    def test_must_end_with_a_user(self, messages: Any) -> None:
        assert refused(messages).field == "messages"

    @pytest.mark.parametrize(
        "message",
        [
            {"role": "tool", "tool_call_id": "c", "content": "42"},
            {"role": "function", "name": "f", "content": "42"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}],
            },
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        ],
    )
    def test_with_calls_of_tools_are_refused(self, message: Any) -> None:
        error = refused([*HELLO, message, *HELLO])
        assert (error.field, error.code) == ("messages.1", "unsupported_value")

    def test_have_limits(self) -> None:
        assert asked([turn("user", "x" * MESSAGE_LIMIT)])
        assert refused([turn("user", "x" * (MESSAGE_LIMIT + 1))]).code == "string_above_max_length"
        many = [turn("user", "x" * 1000), turn("assistant", "y" * 1000)] * (CONVERSATION_LIMIT // 2000)
        assert len(asked([*many[:-2], *HELLO]).history) == len(many) - 2
        assert refused([*many, *HELLO]).code == "context_length_exceeded"

    @pytest.mark.parametrize(
        "messages", [[], [{"role": "king", "content": "x"}], [{"content": "x"}], "Hello", [turn("user", 7)], HELLO * 501]
    )
    def test_have_a_shape(self, messages: Any) -> None:
        with pytest.raises(ValidationError):
            asked(messages)

    @given(
        st.lists(
            st.builds(turn, st.sampled_from(["system", "developer", "user", "assistant"]), st.one_of(st.none(), st.text(max_size=20))),
            min_size=1,
            max_size=12,
        )
    )
    @settings(deadline=None)
    def test_are_read_whatever_they_say(self, messages: Any) -> None:
        """Nothing that was said is lost, roles take turns, and a question that is none is refused."""
        try:
            found = asked(messages)
        except BadField:
            return
        roles = [message["role"] for message in found.history]
        assert all(one != other for one, other in pairwise([*roles, "user"]))
        kept = found.message + "".join(message["content"] for message in found.history) + "".join(found.context.get("application", []))
        said = "".join((message["content"] or "") for message in messages)
        assert len("".join(kept.split())) >= len("".join(said.split()))


class TestParameters:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("n", 2),
            ("n", 0),
            ("tool_choice", "required"),
            ("tool_choice", {"type": "function", "function": {"name": "f"}}),
            ("function_call", {"name": "f"}),
            ("response_format", {"type": "grammar"}),
            ("modalities", ["text", "audio"]),
            ("audio", {"voice": "alloy"}),
            ("web_search_options", {}),
            ("logprobs", True),
            ("top_logprobs", 3),
            ("stop", ["\n"]),
            ("stop", "END"),
        ],
    )
    def test_that_change_the_meaning_are_refused(self, name: str, value: Any) -> None:
        error = refused(**{name: value})
        assert (error.field, error.code) == (name, "unsupported_parameter")
        assert name in error.sentence

    @pytest.mark.parametrize(
        "more",
        [
            {"n": 1, "tool_choice": "auto", "response_format": {"type": "text"}, "modalities": ["text"], "logprobs": False, "stop": []},
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"},
            {"temperature": 2, "max_tokens": 1, "seed": 1, "user": "ada", "store": True, "logit_bias": {"1": 2}, "unheard_of": []},
            dict.fromkeys(("n", "tool_choice", "response_format", "stop", "metadata", "stream", "stream_options", "top_logprobs")),
        ],
    )
    def test_that_do_not_are_ignored(self, more: Any) -> None:
        assert asked(**more) == asked()

    def test_ask_for_a_stream_and_its_usage(self) -> None:
        assert not asked().stream
        assert asked(stream=True).stream
        assert not asked(stream=True).include_usage
        assert asked(stream=True, stream_options={"include_usage": True}).include_usage


class TestSession:
    def test_is_named_by_header_or_metadata(self) -> None:
        assert asked().session_id == ""
        assert asked(header="session_1").session_id == "session_1"
        assert asked(metadata={"session_id": "session_1", "other": "x"}).session_id == "session_1"
        assert asked(header="session_1", metadata={"session_id": "session_1"}).session_id == "session_1"

    def test_is_not_named_by_the_user(self) -> None:
        assert asked(user="session_1").session_id == ""

    def test_is_one(self) -> None:
        assert "different" in refused(header="session_1", metadata={"session_id": "session_2"}).sentence
        assert "string" in refused(metadata={"session_id": 7}).sentence
