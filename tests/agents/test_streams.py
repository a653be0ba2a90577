"""What OpenAI-compatible servers really send (``odd_streams``), through the real openai package and the real Agno."""

import json
from collections.abc import AsyncIterator

import pytest

from agentos.agents import runtime
from agentos.agents.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Rethought,
    TextDelta,
    ToolFailed,
    ToolFinished,
    ToolStarted,
    Usage,
)
from agentos.chat.live.parts import fold, text_of
from tests.agents import odd_streams
from tests.agents.fakes import Exchange, FakeServer, kinds, play, spec
from tests.agents.odd_streams import ANSWERS, CUTS, FAILURES, THOUGHTS, THREE_CALLS, TOOL_THEN


@pytest.fixture(autouse=True)
async def server(settings) -> AsyncIterator[FakeServer]:
    async with FakeServer(odd_streams.odd) as server:
        settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
        yield server
        await runtime.close()


async def played(name: str) -> list[Event]:
    return await play(spec(f"openai-like:{name}", "calculator", "clock"))


def said(events: list[Event]) -> str:
    return text_of(fold((event.kind, event.data()) for event in events))


def thought(events: list[Event]) -> str:
    parts = fold((event.kind, event.data()) for event in events)
    return "".join(part["text"] for part in parts if part["kind"] == "reasoning")


def end_of(events: list[Event]) -> Finished:
    end = events[-1]
    assert isinstance(end, Finished), end
    return end


def results(events: list[Event]) -> dict[str, str]:
    """What each call gave, by the numbers that it was given."""
    asked = {event.call_id: event for event in events if isinstance(event, ToolStarted)}
    done = [event for event in events if isinstance(event, ToolFinished)]
    assert len(asked) == len(done)
    return {json.dumps(list(asked[event.call_id].args.values())): event.result for event in done}


class TestCalls:
    @pytest.mark.parametrize("name", [*THREE_CALLS, "same-id-in-three-rounds"])
    async def test_have_each_their_own_result(self, server: FakeServer, name: str) -> None:
        events = await played(name)
        assert results(events) == {"[1, 1]": "2", "[2, 2]": "4", "[3, 3]": "9"}
        assert said(events) == "It is done."
        told = server.asked.messages("tool")
        assert [message["content"] for message in told] == ["2", "4", "9"]
        called = [call["id"] for message in server.asked.messages("assistant") for call in message["tool_calls"]]
        assert [message["tool_call_id"] for message in told] == called
        assert len(set(called)) == 3

    @pytest.mark.parametrize("name", ["function-call", "no-arguments", "null-arguments", "empty-arguments"])
    async def test_are_made(self, name: str) -> None:
        events = await played(name)
        assert kinds(events)[1:] == ["tool_started", "tool_finished", "text", "usage", "finished"]

    @pytest.mark.parametrize(
        ("name", "args", "reason"),
        [
            ("unknown-tool", {"to": "moon"}, "does not exist"),
            ("unreadable-arguments", {"arguments": '{"a": 1, "b": '}, "decoding function arguments"),
            ("arguments-are-a-list", {"arguments": "[1, 1]"}, "not a valid JSON object"),
        ],
    )
    async def test_that_cannot_be_made_are_shown_with_their_reason(self, name: str, args: dict[str, str], reason: str) -> None:
        events = await played(name)
        (failed,) = [event for event in events if isinstance(event, ToolFailed)]
        assert reason in failed.error
        assert args in [event.args for event in events if isinstance(event, ToolStarted)]
        assert said(events) == "It is done."


class TestText:
    @pytest.mark.parametrize("name", ANSWERS)
    async def test_is_the_answer(self, name: str) -> None:
        events = await played(name)
        assert said(events) == ANSWERS[name][1]
        end = end_of(events)
        assert end.cut == ""
        assert end.messages[-1]["content"] == ANSWERS[name][1]
        json.dumps(end.messages, ensure_ascii=False).encode()

    @pytest.mark.parametrize("name", THOUGHTS)
    async def test_is_told_apart_from_reasoning(self, name: str) -> None:
        events = await played(name)
        assert said(events) == "42"
        assert thought(events).strip() == "Hm, yes."
        assert end_of(events).messages[-1]["content"].strip() == "42"

    async def test_that_was_folded_late_is_told_once(self) -> None:
        events = await played("closing-tag-alone")
        assert kinds(events) == ["text", "rethought", "text", "usage", "finished"]
        assert not [event for event in events if isinstance(event, TextDelta | ReasoningDelta | Rethought) and "42<" in event.text]


class TestCut:
    @pytest.mark.parametrize("name", CUTS)
    async def test_is_said(self, name: str) -> None:
        assert end_of(await played(name)).cut == CUTS[name][1]

    @pytest.mark.parametrize("begun", [odd_streams.text("<think>Hm"), odd_streams.data(odd_streams.chunk(reasoning_content="Hm"))])
    async def test_is_said_when_all_went_into_reasoning(self, monkeypatch: pytest.MonkeyPatch, begun: str) -> None:
        monkeypatch.setitem(odd_streams.STREAMS, "all-thought", [begun + odd_streams.stop("length")])
        events = await played("all-thought")
        assert (thought(events), said(events), end_of(events).cut) == ("Hm", "", "length")

    async def test_is_what_the_last_request_says(self, server: FakeServer) -> None:
        async def cut_call(exchange: Exchange) -> None:
            await exchange.start()
            body = (
                odd_streams.SAID
                if exchange.number
                else odd_streams.calls(odd_streams.call("add", odd_streams.SUM, index=0), reason="length")
            )
            await exchange.send(body.encode())
            await exchange.end()

        server.behaviour = cut_call
        assert end_of(await played("m")).cut == ""


class TestFailure:
    @pytest.mark.parametrize("name", [*FAILURES, *TOOL_THEN])
    async def test_has_its_code(self, name: str) -> None:
        end = (await played(name))[-1]
        assert isinstance(end, Failed)
        assert end.code == (FAILURES | TOOL_THEN)[name][1]

    async def test_of_an_empty_answer_leaves_no_white_space(self) -> None:
        assert kinds(await played("only-white-space")) == ["usage", "failed"]

    async def test_of_a_model_that_adds_nothing_after_its_tools_keeps_what_it_said_before(self) -> None:
        events = await played("said-then-tool-then-nothing")
        assert said(events) == "Let me see."
        assert events[-1] == Failed("model_added_nothing")

    async def test_names_for_the_operator_what_came_instead(self) -> None:
        end = (await played("html"))[-1]
        assert isinstance(end, Failed)
        assert "a page instead of an answer" in end.detail
        assert "Sign in" in end.detail

    async def test_of_a_connection_that_is_reset_keeps_what_was_said(self, server: FakeServer) -> None:
        async def resets(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.send(odd_streams.text("<think>Hm</think>Once ", "upon <").encode())
            exchange.writer.transport.abort()

        server.behaviour = resets
        events = await played("m")
        assert said(events).startswith("Once")
        assert isinstance(events[-1], Failed)
        assert events[-1].code == "model_unreachable"


class TestUsage:
    @pytest.mark.parametrize(
        "name", ["cumulative-usage", "usage-in-last-and-after", "usage-then-zeros", "usage-by-other-names", "no-stream"]
    )
    async def test_is_counted_once(self, name: str) -> None:
        assert [event for event in await played(name) if isinstance(event, Usage)] == [Usage(5, 5)]
