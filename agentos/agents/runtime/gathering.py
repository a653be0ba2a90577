"""What a model says is for whoever follows its run, and reaches Agno in few pieces: Agno's work costs by the piece.

Whoever follows reads it when it suits: a token is then no more than one in a list, until it is read with the others. What may be
more than text is read at once: what comes first, and what comes after something that was no text.

The first piece of a stream goes on to Agno at once, for Agno's own clock; after that text gathers until something else is read: a tool
call, usage, the end. What Agno then says of it is an echo. What is more than text is not told here: Agno says it, in its place.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from agno.models.response import ModelResponse

from agentos.agents.events import Follower, ReasoningDelta, TextDelta

KINDS = {"content": TextDelta.kind, "reasoning_content": ReasoningDelta.kind}
_FIELDS = vars(ModelResponse())
_rest_of = itemgetter(*(name for name in _FIELDS if name not in {*KINDS, "created_at", "provider_data"}))
_NOTHING = _rest_of(_FIELDS)


class Hearing:
    """What the models of one run say. ``is_echo``: Agno is busy with text that was told already."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.is_echo = False
        self.listening: asyncio.Task[None] | None = None

    async def pieces(self, stream: AsyncIterator[ModelResponse]) -> AsyncGenerator[ModelResponse, None]:
        """Give the stream to Agno. Raises what the stream raises.

        A task of its own listens to the model: a token wakes up all that waits for it, and Agno would be a dozen generators.
        """
        gathered = Gathered(stream, self.follower)
        self.listening = asyncio.create_task(gathered.listen())
        try:
            while not self.listening.done() or gathered.pieces:
                await gathered.ready.wait()
                gathered.ready.clear()
                for piece, self.is_echo in gathered.take():
                    yield piece
                    gathered.untold -= not self.is_echo
                gathered.check()
            self.listening.result()
        finally:
            self.is_echo = False
            await self.hang_up()

    async def hang_up(self) -> None:
        """Close the connection to a model that nobody listens to any more.

        Agno and the SDKs leave an abandoned stream to the garbage collector; a cancelled one they close at once.
        """
        if self.listening:
            listening, self.listening = self.listening, None
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


class Gathered:
    """What one stream has said and Agno has not got. ``unread``: what nobody has looked at. ``pieces``: what was read, each with
    whether it was told. ``untold``: how many Agno still has to say itself; until it has, text has to wait behind them, since it would
    come too early."""

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
        """Tell what was said. What cannot be read ends the stream, and not the work of whoever reads: he reads for other runs too."""
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
        """Text that follows on text is told in one go."""
        deltas = self.unread[:]
        self.unread.clear()
        for field, alike in groupby(deltas, text_field):
            if field and not self.untold:
                self._tell(field, list(alike))
            else:
                self._leave_to_agno(alike)

    def _tell(self, field: str, deltas: list[ModelResponse]) -> None:
        texts = [getattr(delta, field) for delta in deltas]
        self.follower.tell(KINDS[field], "".join(texts))
        for delta, text in zip(deltas, texts, strict=True):
            if field == self.field and delta.provider_data == self.added:
                self.said.append(text)
            else:
                self._begin(delta, field)
        if self.is_fresh:
            self.is_fresh = False
            self.ready.set()

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
    if len(fields) != len(_FIELDS) or _rest_of(fields) != _NOTHING:
        return ""
    added = fields["provider_data"]
    if added and (type(added) is not dict or any(isinstance(value, list) for value in added.values())):
        return ""
    content, reasoning = fields["content"], fields["reasoning_content"]
    if reasoning is None:
        return "content" if type(content) is str else ""
    return "reasoning_content" if content is None and type(reasoning) is str else ""


_hearings: dict[str, Hearing] = {}


@asynccontextmanager
async def heard(run_id: str, follower: Follower) -> AsyncIterator[Hearing]:
    """As long as it lasts, the follower takes in what the models of this run say."""
    hearing = _hearings[run_id] = Hearing(follower)
    try:
        yield hearing
    finally:
        del _hearings[run_id]
        await hearing.hang_up()


def gathered(run_id: str, stream: AsyncGenerator[ModelResponse, None]) -> AbstractAsyncContextManager[AsyncGenerator[ModelResponse, None]]:
    """Give the stream of one of the run's models as it is for Agno."""
    hearing = _hearings.get(run_id)
    return aclosing(hearing.pieces(stream) if hearing else stream)
