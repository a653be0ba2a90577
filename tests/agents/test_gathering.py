"""What a model says within a tick is one piece; everything else keeps its place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agno.metrics import MessageMetrics
from agno.models.response import ModelResponse

from agentos.agents.runtime import gathering
from agentos.agents.runtime.gathering import Tick, gathered, hang_up, text_field

CALL: dict[str, Any] = {"tool_calls": [{"id": "1"}]}


def said(text: str) -> ModelResponse:
    return ModelResponse(content=text)


async def stream(*deltas: ModelResponse | Exception | asyncio.Event) -> AsyncIterator[ModelResponse]:
    for delta in deltas:
        if isinstance(delta, Exception):
            raise delta
        if isinstance(delta, asyncio.Event):
            await delta.wait()
        else:
            yield delta


async def pieces(*deltas: Any) -> list[ModelResponse]:
    return [piece async for piece in gathered("run", stream(*deltas))]


class TestGathered:
    async def test_joins_text_and_changes_none_of_it(self) -> None:
        found = await pieces(*(said(f"{number} ") for number in range(50)))
        assert "".join(str(piece.content) for piece in found) == "".join(f"{number} " for number in range(50))
        assert len(found) < 5

    async def test_gives_the_first_words_at_once_and_the_next_with_the_tick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ticks: list[asyncio.Event] = []
        monkeypatch.setattr(Tick, "wake", lambda tick, event: ticks.append(event))
        more, end = asyncio.Event(), asyncio.Event()
        reader = gathered("run", stream(said("a"), more, said("b"), said("c"), end))
        assert (await anext(reader)).content == "a"
        more.set()
        waiting = asyncio.ensure_future(anext(reader))
        while not ticks:
            await asyncio.sleep(0)
        assert not waiting.done()
        ticks[0].set()
        assert (await waiting).content == "bc"
        assert len(ticks) == 1
        await reader.aclose()

    async def test_keeps_the_order_of_thoughts_words_calls_and_usage(self) -> None:
        deltas = [ModelResponse(reasoning_content="h"), ModelResponse(reasoning_content="m"), said("a"), said("b")]
        deltas += [ModelResponse(**CALL), said("c"), said("d"), ModelResponse(response_usage=MessageMetrics(input_tokens=1))]
        found = await pieces(*deltas)
        shown = [piece.reasoning_content or piece.content or piece.tool_calls or piece.response_usage for piece in found]
        assert shown == ["hm", "ab", CALL["tool_calls"], "cd", deltas[-1].response_usage]

    async def test_joins_what_the_provider_marks_alike(self) -> None:
        marked = [ModelResponse(content=text, provider_data={"id": number}) for text, number in (("a", 1), ("b", 1), ("c", 2))]
        assert [(piece.content, piece.provider_data) for piece in await pieces(*marked)] == [("ab", {"id": 1}), ("c", {"id": 2})]

    async def test_raises_what_the_stream_raises_after_what_it_said(self) -> None:
        heard = []
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what was heard before counts
            async for piece in gathered("run", stream(said("a"), said("b"), ZeroDivisionError())):
                heard.append(piece.content)  # noqa: PERF401
        assert heard == ["ab"]

    async def test_closes_the_stream_of_a_run_that_is_left(self) -> None:
        closed = []

        async def endless() -> AsyncIterator[ModelResponse]:
            try:
                yield said("a")
                await asyncio.Event().wait()
            finally:
                closed.append(True)

        reader = gathered("run", endless())
        await anext(reader)
        await hang_up("run")
        assert closed == [True]
        assert gathering._listening == {}


class TestTextField:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"content": "a"}, "content"),
            ({"reasoning_content": "a"}, "reasoning_content"),
            ({"content": "a", "reasoning_content": "b"}, ""),
            ({"content": "a", "role": "assistant"}, ""),
            ({"content": "a", **CALL}, ""),
            ({"content": "a", "provider_data": {"id": "1"}}, "content"),
            ({"content": "a", "provider_data": {"blocks": ["1"]}}, ""),
            ({"content": {"a": 1}}, ""),
            ({}, ""),
        ],
    )
    def test_is_the_one_text_of_a_delta(self, fields: dict[str, Any], expected: str) -> None:
        assert text_field(ModelResponse(**fields)) == expected

    def test_is_none_of_a_delta_with_a_field_that_nobody_knows(self) -> None:
        delta = ModelResponse(content="a")
        delta.novelty = "b"  # type: ignore[attr-defined]
        assert text_field(delta) == ""
