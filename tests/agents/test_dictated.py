"""The scripts that call what a text says."""

from typing import Any

from agentos.agents import runtime
from agentos.agents.events import ToolFinished, ToolStarted
from tests.agents.fakes import go_on, play, spec, text_of

TWO = """Please:
calculate nothing
multiply {"a": 3, "b": 4}
add {"a": 1, "b": 1}

- `add {"a": 2, "b": 2}`
say It is {{1}}, and {{3}}; not {{9}}."""


def called(events: list[Any]) -> list[tuple[str, Any]]:
    return [(event.name, event.args) for event in events if isinstance(event, ToolStarted)]


class TestCalls:
    async def test_calls_what_the_message_says_a_paragraph_at_once(self) -> None:
        events = await play(spec("scripted:calls", "calculator"), TWO)
        assert called(events) == [("multiply", {"a": 3, "b": 4}), ("add", {"a": 1, "b": 1}), ("add", {"a": 2, "b": 2})]
        assert text_of(events) == "It is 12, and 4; not {{9}}."

    async def test_fills_in_earlier_results(self) -> None:
        events = await play(
            spec("scripted:calls", "clock", "text"), 'text_statistics {"text": "a\\nb"}\n\ntext_statistics {"text": "{{1}}"}'
        )
        first, second = [event.result for event in events if isinstance(event, ToolFinished)]
        assert called(events)[1] == ("text_statistics", {"text": first})
        assert first != second

    async def test_says_the_last_result_without_anything_to_say(self) -> None:
        assert text_of(await play(spec("scripted:calls", "calculator"), 'add {"a": 1, "b": 1}')).endswith("The tool said: 2")
        assert "It answers now" in text_of(await play("scripted:calls", "Hello."))

    async def test_goes_on_after_an_approval(self) -> None:
        agent = spec("scripted:calls", "letterbox", "calculator")
        end = (await play(agent, 'post_letter {"to": "Ada", "text": "Hi"}\n\nadd {"a": 1, "b": 1}'))[-1]
        events = await go_on(agent, end.output, runtime.Answer(end.requirements[0]["call_id"]))  # type: ignore[attr-defined]
        assert [event.name for event in events if isinstance(event, ToolFinished)] == ["post_letter", "add"]
