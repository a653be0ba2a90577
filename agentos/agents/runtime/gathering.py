"""What a model says within one tick reaches Agno in one piece: Agno's own work costs by the piece, and nobody is shown less than a tick.

The first piece of a stream goes on at once. All streams of an event loop share the tick, so that what follows (the journal) is
done for all of them together. Only text joins text: a tool call, usage or anything else ends a piece and keeps its place.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from operator import itemgetter
from weakref import WeakKeyDictionary

from agno.models.response import ModelResponse

TICK = 0.05  # seconds
TICK_PER_STREAM = 0.001  # as in the journal: the more is said at a time, the longer the tick
TICK_MOST = 0.25

TEXTS = ("content", "reasoning_content")
_FIELDS = vars(ModelResponse())
_rest_of = itemgetter(*(name for name in _FIELDS if name not in {*TEXTS, "created_at", "provider_data"}))
_NOTHING = _rest_of(_FIELDS)


class Tick:
    """The tick of one event loop: it runs only while something waits for it."""

    def __init__(self) -> None:
        self.streams = 0
        self.waiting: list[asyncio.Event] = []

    def wake(self, event: asyncio.Event) -> None:
        """Set ``event`` at the next tick."""
        if not self.waiting:
            seconds = min(TICK + TICK_PER_STREAM * self.streams, TICK_MOST)
            asyncio.get_running_loop().call_later(seconds, self._fire)
        self.waiting.append(event)

    def _fire(self) -> None:
        waiting, self.waiting = self.waiting, []
        for event in waiting:
            event.set()


_ticks: WeakKeyDictionary[asyncio.AbstractEventLoop, Tick] = WeakKeyDictionary()


class Gatherer:
    """What one stream has said and its reader has not taken."""

    def __init__(self, stream: AsyncIterator[ModelResponse], tick: Tick) -> None:
        self.stream = stream
        self.tick = tick
        self.is_fresh = True
        self.pieces: list[ModelResponse] = []
        self.ready = asyncio.Event()
        self.text = ""  # the field that the last piece is a text in, as long as it may grow
        self.said: list[str] = []

    async def listen(self) -> None:
        """Take in the whole stream. Ends with the stream's own error, which its reader is given after the last piece."""
        try:
            async for delta in self.stream:
                self.add(delta)
        finally:
            self.ready.set()

    def add(self, delta: ModelResponse) -> None:
        text = text_field(delta)
        if text and text == self.text and delta.provider_data == self.pieces[-1].provider_data:
            self.said.append(getattr(delta, text))
            return
        self._close()
        may_wait = bool(text) and not self.is_fresh
        if not may_wait:
            self.ready.set()
        elif not self.pieces:
            self.tick.wake(self.ready)
        self.is_fresh = False
        self.pieces.append(delta)
        self.text, self.said = text, [getattr(delta, text)] if text else []

    def take(self) -> list[ModelResponse]:
        self._close()
        pieces, self.pieces = self.pieces, []
        return pieces

    def _close(self) -> None:
        """Put the last piece together: nothing joins it any more."""
        if len(self.said) > 1:
            setattr(self.pieces[-1], self.text, "".join(self.said))
        self.text, self.said = "", []


def text_field(delta: ModelResponse) -> str:
    """Return the one field that holds the delta's text; empty when there is more to it than text. At every token.

    What a provider adds to every delta (an id) is no more than text; a list, which Agno collects, is.
    """
    fields = vars(delta)
    if len(fields) != len(_FIELDS) or _rest_of(fields) != _NOTHING:
        return ""
    added = fields["provider_data"]
    if added and any(isinstance(value, list) for value in added.values()):
        return ""
    content, reasoning = fields["content"], fields["reasoning_content"]
    if reasoning is None:
        return "content" if type(content) is str else ""
    return "reasoning_content" if content is None and type(reasoning) is str else ""


# What listens to the models of running runs, by run.
_listening: dict[str, asyncio.Task[None]] = {}


async def gathered(run_id: str, stream: AsyncIterator[ModelResponse]) -> AsyncGenerator[ModelResponse, None]:
    """Give the stream's text in pieces of a tick, and everything else as it is. Raises what the stream raises, after its last piece."""
    tick = _ticks.setdefault(asyncio.get_running_loop(), Tick())
    gatherer = Gatherer(stream, tick)
    listening = _listening[run_id] = asyncio.create_task(gatherer.listen())
    tick.streams += 1
    try:
        while not listening.done() or gatherer.pieces:
            await gatherer.ready.wait()
            gatherer.ready.clear()
            for piece in gatherer.take():
                yield piece
        listening.result()
    finally:
        tick.streams -= 1
        await hang_up(run_id)


async def hang_up(run_id: str) -> None:
    """Close the connection to the model of a run that nobody reads on.

    Agno and the SDKs leave an abandoned stream to the garbage collector; a cancelled one they close at once.
    """
    if listening := _listening.pop(run_id, None):
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
