"""Passes a model's text to the follower of its run as it comes, and to Agno in few pieces, since Agno's work costs by the piece.

The follower reads when it suits it (``has_more``): until then a token is one more entry of a list. What may be more than text is read at
once: the first delta, and a delta after one that was no text.

The first piece of a stream goes to Agno at once, for Agno's own time measurement; later text is buffered until something else is read: a
tool call, usage, the end. The event that Agno makes of buffered text is an echo, which ``streaming`` skips. What is more than text is
not passed on here: Agno's event of it is.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from agno.models.response import ModelResponse

from agentos.agents.events import Follower, ReasoningDelta, Rethought, TextDelta
from agentos.agents.runtime.speech import Speech
from agentos.agents.runtime.thinking import RETHOUGHT

KINDS = {"content": TextDelta.kind, "reasoning_content": ReasoningDelta.kind}
_FIELDS = vars(ModelResponse())
_rest_of = itemgetter(*(name for name in _FIELDS if name not in {*KINDS, "created_at", "provider_data"}))
_NOTHING = _rest_of(_FIELDS)


class StreamTap:
    """The model streams of one run. ``is_echo``: Agno works on text that the follower has already. ``last``: what the model said to the
    last request."""

    def __init__(self, follower: Follower, answer_format: dict[str, Any] | None = None) -> None:
        self.follower = follower
        self.answer_format = answer_format
        self.is_echo = False
        self.last: Speech | None = None
        self.listening: asyncio.Task[None] | None = None

    async def pieces(self, stream: AsyncIterator[ModelResponse]) -> AsyncGenerator[ModelResponse, None]:
        """Give the stream to Agno. Raises what the stream raises.

        A task of its own listens to the model: a token wakes up all that waits for it, and Agno would be a dozen generators.
        """
        buffered = StreamBuffer(stream, self.follower)
        self.listening = asyncio.create_task(buffered.listen())
        try:
            while not self.listening.done() or buffered.pieces:
                await buffered.ready.wait()
                buffered.ready.clear()
                for piece, self.is_echo in buffered.take():
                    yield piece
                    buffered.untold -= not self.is_echo
                buffered.check()
            self.listening.result()
        finally:
            self.is_echo = False
            await self.close()

    async def close(self) -> None:
        """Close the connection to a model whose answer nobody reads any more.

        Agno and the SDKs leave an abandoned stream to the garbage collector; a cancelled one they close at once.
        """
        if self.listening:
            listening, self.listening = self.listening, None
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


class StreamBuffer:
    """The deltas of one stream that Agno has not got yet. ``unread``: those that nobody has looked at. ``pieces``: those that were read,
    each with whether the follower has it. ``untold``: how many Agno still has to make events of; until it has, text waits behind them,
    since it would come too early."""

    def __init__(self, stream: AsyncIterator[ModelResponse], follower: Follower) -> None:
        self.stream = stream
        self.follower = follower
        self.unread: list[ModelResponse] = []
        self.broken: Exception | None = None  # by what could not be read
        self.ready = asyncio.Event()
        self.is_fresh = True
        self.pieces: list[tuple[ModelResponse, bool]] = []
        self.untold = 0
        self.field = ""  # which the last piece is a text in, as long as it may grow
        self.said: list[str] = []
        self.added: dict[str, Any] | None = None  # by the provider, to the last piece

    async def listen(self) -> None:
        """Take in the whole stream. Ends with the stream's own error."""
        unread = self.unread
        try:
            async for delta in self.stream:
                unread.append(delta)
                if len(unread) == 1:  # the others are read with it
                    self._offer()
        finally:
            self.read()
            self.ready.set()

    def _offer(self) -> None:
        """Text that goes on waits for its reader; what may be more than that does not."""
        if self.field:
            self.follower.has_more(self.read)
        else:
            self.read()

    def read(self) -> None:
        """Pass on what is unread. An error ends this stream, and not the reader's work: the journal reads for other runs too."""
        try:
            self._read()
        except Exception as error:  # noqa: BLE001 - whatever an adapter says
            self.broken = error
            self.ready.set()

    def check(self) -> None:
        """Raises what broke the stream."""
        if self.broken:
            raise self.broken

    def _read(self) -> None:
        """Text that follows text is passed on in one piece."""
        deltas = self.unread[:]
        self.unread.clear()
        for field, alike in groupby(deltas, text_field):
            if field == RETHOUGHT:
                self._rethink(alike)
            elif field and not self.untold:
                self._pass_on(field, list(alike))
            else:
                self._leave_to_agno(alike)

    def _pass_on(self, field: str, deltas: list[ModelResponse]) -> None:
        texts = [getattr(delta, field) for delta in deltas]
        self.follower.on_text(KINDS[field], "".join(texts))
        for delta, text in zip(deltas, texts, strict=True):
            if field == self.field and delta.provider_data == self.added:
                self.said.append(text)
            else:
                self._begin(delta, field)
        if self.is_fresh:
            self.is_fresh = False
            self.ready.set()

    def _rethink(self, deltas: Iterable[ModelResponse]) -> None:
        for delta in deltas:
            self.follower.on_text(Rethought.kind, vars(delta)[RETHOUGHT])
            self._close()
            self.pieces.append((delta, True))

    def _leave_to_agno(self, deltas: Iterable[ModelResponse]) -> None:
        for delta in deltas:
            self.untold += 1
            self._begin(delta, "")
        self.ready.set()

    def _begin(self, delta: ModelResponse, field: str) -> None:
        self._close()
        self.pieces.append((delta, bool(field)))
        if field:
            self.field, self.said, self.added = field, [getattr(delta, field)], delta.provider_data

    def _close(self) -> None:
        """Put the last piece together: nothing joins it any more."""
        if len(self.said) > 1:
            setattr(self.pieces[-1][0], self.field, "".join(self.said))
        self.field, self.said = "", []

    def take(self) -> list[tuple[ModelResponse, bool]]:
        self._close()
        pieces, self.pieces = self.pieces, []
        return pieces


def text_field(delta: object) -> str:
    """Return the one field that holds the delta's text; empty when there is more to it than text.

    What a provider adds to every delta (an id) is no more than text; a list, which Agno collects, is. What is no delta at all is for
    Agno, which breaks on it in its place, behind the text before it.
    """
    fields = vars(delta) if isinstance(delta, ModelResponse) else {}
    if RETHOUGHT in fields:
        return RETHOUGHT
    if len(fields) != len(_FIELDS) or _rest_of(fields) != _NOTHING:
        return ""
    added = fields["provider_data"]
    if added and (type(added) is not dict or any(isinstance(value, list) for value in added.values())):
        return ""
    content, reasoning = fields["content"], fields["reasoning_content"]
    if reasoning is None:
        return "content" if type(content) is str else ""
    return "reasoning_content" if content is None and type(reasoning) is str else ""


_taps: dict[str, StreamTap] = {}


@asynccontextmanager
async def tapped(run_id: str, follower: Follower, answer_format: dict[str, Any] | None = None) -> AsyncIterator[StreamTap]:
    """While it is open, the follower gets the text of this run's models, and they are asked for this format."""
    tap = _taps[run_id] = StreamTap(follower, answer_format)
    try:
        yield tap
    finally:
        del _taps[run_id]
        await tap.close()


def format_for(run_id: str) -> dict[str, Any] | None:
    tap = _taps.get(run_id)
    return tap.answer_format if tap else None


def buffered(run_id: str, stream: AsyncGenerator[ModelResponse, None]) -> AbstractAsyncContextManager[AsyncGenerator[ModelResponse, None]]:
    """Return the stream of one of the run's models as Agno is to read it."""
    tap = _taps.get(run_id)
    return aclosing(tap.pieces(stream) if tap else stream)


def begun(run_id: str, speech: Speech) -> None:
    """Note that a model of the run is asked."""
    if tap := _taps.get(run_id):
        tap.last = speech
