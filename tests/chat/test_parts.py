"""The answer as parts: what the events of a run fold into."""

from typing import Any

from agentos.chat.live.parts import add, end_open_tools, fold, text_of


def started(call_id: str, name: str = "add") -> tuple[str, dict[str, Any]]:
    return "tool_started", {"call_id": call_id, "name": name, "args": {"a": 1}}


class TestFold:
    def test_lets_text_of_a_kind_grow_and_begins_a_part_where_the_kind_changes(self) -> None:
        events = [("reasoning", "a"), ("reasoning", "b"), ("text", "c"), ("reasoning", "d"), ("text", "e"), ("text", "f")]
        parts = fold((kind, {"text": text}) for kind, text in events)
        assert [(part["kind"], part["text"]) for part in parts] == [("reasoning", "ab"), ("text", "c"), ("reasoning", "d"), ("text", "ef")]

    def test_gives_a_result_to_the_call_that_it_belongs_to(self) -> None:
        parts = fold(
            [
                started("1"),
                started("2"),
                ("text", {"text": "Meanwhile."}),
                ("tool_finished", {"call_id": "1", "result": "one", "seconds": 0.5}),
                ("tool_failed", {"call_id": "2", "error": "two"}),
            ]
        )
        assert [(part["status"], part["result"], part["seconds"]) for part in parts if part["kind"] == "tool"] == [
            ("finished", "one", 0.5),
            ("failed", "two", None),
        ]

    def test_gives_it_to_the_last_call_of_that_id(self) -> None:
        """A call that a person has agreed to is made again under its id."""
        parts = fold([started("1"), started("1"), ("tool_finished", {"call_id": "1", "result": "done"})])
        assert [part["status"] for part in parts] == ["running", "finished"]

    def test_says_which_part_an_event_touched(self) -> None:
        parts: list[dict[str, Any]] = []
        events = [
            (started("1"), 0),
            (("text", {"text": "a"}), 1),
            (("text", {"text": "b"}), 1),
            (started("2"), 2),
            (("tool_finished", {"call_id": "1", "result": "x"}), 0),
            (("tool_finished", {"call_id": "unknown", "result": "x"}), -1),
            (("usage", {"input_tokens": 1}), -1),
        ]
        assert [add(parts, kind, data) for (kind, data), _ in events] == [index for _, index in events]


class TestTheEndOfARun:
    def test_ends_calls_that_still_run_and_no_others(self) -> None:
        parts = fold([started("1"), ("tool_finished", {"call_id": "1", "result": "ok"}), started("2"), ("text", {"text": "a"})])
        end_open_tools(parts)
        assert [(part["status"], part["result"]) for part in parts if part["kind"] == "tool"] == [
            ("finished", "ok"),
            ("failed", "The run ended before this tool answered."),
        ]


class TestTheText:
    def test_is_what_was_said_in_paragraphs(self) -> None:
        parts = fold(
            [
                ("reasoning", {"text": "Hm."}),
                ("text", {"text": " One. \n"}),
                started("1"),
                ("text", {"text": "\n"}),
                ("reasoning", {"text": "Hm."}),
                ("text", {"text": "Two."}),
            ]
        )
        assert text_of(parts) == "One.\n\nTwo."
        assert text_of([]) == ""
