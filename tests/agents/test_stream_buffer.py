"""What a model says is told at once and in its order; Agno gets it in few pieces, and everything else in its place."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from agno.metrics import MessageMetrics
from agno.models.response import ModelResponse

from agentos.agents.runtime import stream_buffer
from agentos.agents.runtime.stream_buffer import buffered, tapped, text_field

CALL: dict[str, Any] = {"tool_calls": [{"id": "1"}]}


def said(text: str) -> ModelResponse:
    return ModelResponse(content=text)


def thought(text: str) -> ModelResponse:
    return ModelResponse(reasoning_content=text)


async def stream(*deltas: ModelResponse | Exception | asyncio.Event) -> AsyncGenerator[ModelResponse, None]:
    for delta in deltas:
        if isinstance(delta, Exception):
            raise delta
        if isinstance(delta, asyncio.Event):
            await delta.wait()
        else:
            yield delta


class Subscription:
    """Whoever follows a run, and Agno, which reads the run's model and says again what it reads."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.pieces: list[ModelResponse] = []

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        self.told.append(text if kind == "text" else f"({text})")

    def has_more(self, read: Callable[[], None]) -> None:
        read()

    async def hear(self, *deltas: Any) -> None:
        async with tapped("run", self) as hearing, buffered("run", stream(*deltas)) as pieces:
            async for piece in pieces:
                self.pieces.append(piece)
                if not hearing.is_echo and piece.content:
                    self.told.append(f"Agno: {piece.content}")


class Later(Subscription):
    """Reads when it suits."""

    def __init__(self) -> None:
        super().__init__()
        self.offers: list[Callable[[], None]] = []

    def has_more(self, read: Callable[[], None]) -> None:
        self.offers.append(read)


async def turns() -> None:
    """Let the others come to an end of what they can do."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def listener() -> Subscription:
    return Subscription()


class TestGathered:
    async def test_joins_text_for_agno_and_changes_none_of_it(self, listener: Subscription) -> None:
        await listener.hear(*(said(f"{number} ") for number in range(50)))
        assert listener.told == [f"{number} " for number in range(50)]
        assert "".join(str(piece.content) for piece in listener.pieces) == "".join(listener.told)
        assert len(listener.pieces) < 5

    async def test_tells_at_once_what_agno_gets_at_the_end(self, listener: Subscription) -> None:
        end = asyncio.Event()
        hearing = asyncio.ensure_future(listener.hear(said("a"), said("b"), said("c"), end))
        while len(listener.told) < 3:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "".join(str(piece.content) for piece in listener.pieces) in {"", "a", "abc"}
        end.set()
        await hearing
        assert "".join(str(piece.content) for piece in listener.pieces) == "abc"
        assert listener.told == ["a", "b", "c"]

    async def test_keeps_the_order_of_thoughts_words_calls_and_usage(self, listener: Subscription) -> None:
        usage = ModelResponse(response_usage=MessageMetrics(input_tokens=1))
        await listener.hear(thought("h"), thought("m"), said("a"), said("b"), ModelResponse(**CALL), usage)
        assert listener.told == ["(h)", "(m)", "a", "b"]
        shown = [piece.reasoning_content or piece.content or piece.tool_calls or piece.response_usage for piece in listener.pieces]
        assert shown == ["hm", "ab", CALL["tool_calls"], usage.response_usage]

    async def test_lets_text_wait_behind_what_only_agno_can_say(self, listener: Subscription) -> None:
        cited = ModelResponse(content="b", role="assistant")
        later = asyncio.Event()
        hearing = asyncio.ensure_future(listener.hear(said("a"), cited, said("c"), later, said("d")))
        while len(listener.told) < 3:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        later.set()
        await hearing
        assert listener.told == ["a", "Agno: b", "Agno: c", "d"]

    async def test_joins_what_the_provider_marks_alike(self, listener: Subscription) -> None:
        await listener.hear(*(ModelResponse(content=text, provider_data={"id": number}) for text, number in (("a", 1), ("b", 1), ("c", 2))))
        assert [(piece.content, piece.provider_data) for piece in listener.pieces] == [("ab", {"id": 1}), ("c", {"id": 2})]

    async def test_raises_what_the_stream_raises_after_what_it_said(self, listener: Subscription) -> None:
        with pytest.raises(ZeroDivisionError):
            await listener.hear(said("a"), said("b"), ZeroDivisionError())
        assert [piece.content for piece in listener.pieces] == ["ab"]
        assert listener.told == ["a", "b"]

    async def test_closes_the_stream_of_a_run_that_is_left(self, listener: Subscription) -> None:
        closed = []

        async def endless() -> AsyncGenerator[ModelResponse, None]:
            try:
                yield said("a")
                await asyncio.Event().wait()
            finally:
                closed.append(True)

        async with tapped("run", listener):
            reader = buffered("run", endless())
            await anext(await reader.__aenter__())
        assert closed == [True]
        assert stream_buffer._taps == {}

    async def test_leaves_alone_what_belongs_to_no_run_of_ours(self) -> None:
        async with buffered("another", stream(said("a"), said("b"))) as pieces:
            assert [piece.content async for piece in pieces] == ["a", "b"]


class TestReading:
    async def test_is_offered_once_and_tells_all_that_came_until_then(self) -> None:
        reader, end = Later(), asyncio.Event()
        hearing = asyncio.ensure_future(reader.hear(*(said(letter) for letter in "abcd"), end, said("e")))
        await turns()
        assert reader.told == ["a"]  # the first is read at once
        (read,) = reader.offers
        read()
        assert reader.told == ["a", "bcd"]
        end.set()
        await hearing
        assert reader.told == ["a", "bcd", "e"]
        assert "".join(str(piece.content) for piece in reader.pieces) == "abcde"

    async def test_keeps_the_order_of_thoughts_and_words(self) -> None:
        reader = Later()
        await reader.hear(thought("h"), thought("m"), thought("m"), said("a"), said("b"))
        assert reader.told == ["(h)", "(mm)", "ab"]

    async def test_does_not_wait_where_there_is_more_than_text(self) -> None:
        """A call, or what follows on one, waits for nobody: Agno has to act on it."""
        reader, later, end = Later(), asyncio.Event(), asyncio.Event()
        cited = ModelResponse(content="c", role="assistant")
        hearing = asyncio.ensure_future(reader.hear(said("a"), said("b"), later, cited, cited, end))
        await turns()
        reader.offers.pop()()
        later.set()
        await turns()
        assert reader.told == ["a", "b"]  # the first of them was taken for text
        reader.offers.pop()()
        await turns()
        assert reader.told == ["a", "b", "Agno: c", "Agno: c"]
        end.set()
        await hearing
        assert reader.offers == []

    async def test_breaks_the_run_and_not_its_reader(self) -> None:
        """An adapter may say what is no response at all."""
        reader, later = Later(), asyncio.Event()
        hearing = asyncio.ensure_future(reader.hear(said("a"), said("b"), later, said("c"), 5, asyncio.Event()))
        await turns()
        reader.offers.pop()()
        later.set()
        await turns()
        for read in reader.offers:
            read()
        with pytest.raises(AttributeError):  # as Agno does: the listener takes it for a response
            await asyncio.wait_for(hearing, 5)
        assert reader.told == ["a", "b", "c"]

    @pytest.mark.parametrize("goes_on", [True, False])
    async def test_of_what_cannot_be_read_breaks_the_run_alone(self, *, goes_on: bool) -> None:
        class Odd:
            def __eq__(self, other: object) -> bool:
                raise ZeroDivisionError

            __hash__ = None  # type: ignore[assignment]

        reader, later = Later(), asyncio.Event()
        rest = [asyncio.Event()] if goes_on else []
        hearing = asyncio.ensure_future(reader.hear(said("a"), said("b"), later, said("c"), ModelResponse(parsed=Odd()), *rest))
        await turns()
        reader.offers.pop()()
        later.set()
        await turns()
        for read in reader.offers:
            read()
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(hearing, 5)
        assert reader.told[:2] == ["a", "b"]

    async def test_is_done_of_what_is_left_when_the_run_is(self) -> None:
        reader = Later()
        hearing = asyncio.ensure_future(reader.hear(said("a"), said("b"), asyncio.Event()))
        await turns()
        assert reader.told == ["a"]
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        assert reader.told == ["a", "b"]


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
            ({"content": "a", "provider_data": "blocks"}, ""),
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
