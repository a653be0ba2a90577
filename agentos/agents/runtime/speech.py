"""What a model says in answer to one request, made sound before anybody reads it: whatever the provider, text is text that can be stored,
reasoning is told apart from the answer, each tool call is whole and has its own id, usage is counted once, and why it ended is known.
"""

import copy
import dataclasses
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from contextlib import aclosing
from typing import Any

from agno.metrics import MessageMetrics
from agno.models.message import Message
from agno.models.response import ModelResponse

from agentos.agents.runtime import calls, finish
from agentos.agents.runtime.thinking import CONTENT, REASONING, RETHOUGHT, SOUND, Piece, ThinkTags

FINISH = "finish"  # where a model class notes in a piece why the provider says that it ended
_NOTHING = {name: value for name, value in vars(ModelResponse()).items() if name not in {"created_at", "provider_data"}}


class Speech:
    """``assemble`` puts together the tool calls that came in pieces. ``grows``: usage is told again and again, each time of all."""

    def __init__(self, *, messages: Iterable[Message], assemble: Callable[[list[Any]], list[calls.Call]], grows: bool) -> None:
        self._messages = messages
        self._assemble = assemble
        self._grows = grows
        self._tags = ThinkTags()
        self._halves = {CONTENT: "", REASONING: ""}  # the first half of a character that came in two
        self._calls: list[Any] = []
        self._usage: MessageMetrics | None = None
        self._reasons: list[str] = []
        self._has_extra = False
        self.has_spoken = False
        self.has_thought = False
        self.has_called = False
        self.has_made = False

    @property
    def cut(self) -> str:
        """Why the answer is not complete: one of ``finish``; empty when it is."""
        reasons = [reason for reason in self._reasons if reason != finish.END_OF_STREAM] or self._reasons
        return finish.cut_by(reasons[-1]) if reasons else ""

    @property
    def cost(self) -> float | None:
        """What the provider says that it has cost, in dollars."""
        return self._usage.cost if self._usage else None

    async def pieces(self, stream: AsyncGenerator[ModelResponse, None]) -> AsyncGenerator[ModelResponse, None]:
        """Give the stream as it should have been. Raises what it raises, after all that was said before."""
        async with aclosing(stream):
            try:
                async for delta in stream:
                    if self._is_plain(delta):
                        yield delta
                        continue
                    for piece in self._sound(delta):
                        yield piece
            except Exception:
                for piece in self._last_text():
                    yield piece
                raise
        for piece in self._last():
            yield piece

    def _is_plain(self, delta: ModelResponse) -> bool:
        """Whether it is a word like most: nothing has to be looked at but its text."""
        text = delta.content
        if type(text) is not str or not self._tags.is_plain or not text.isascii() or "<" in text or "\0" in text:
            return False
        if (
            delta.tool_calls
            or delta.response_usage
            or delta.reasoning_content is not None
            or FINISH in vars(delta)
            or self._halves[CONTENT]
        ):
            return False
        self._tags.passed(text)
        return True

    def _sound(self, delta: Any) -> Iterator[ModelResponse]:
        if not isinstance(delta, ModelResponse):  # for Agno, which breaks on it in its place
            yield delta
            return
        if reason := vars(delta).pop(FINISH, ""):
            self._reasons.append(reason)
        self._has_extra = self._has_extra or delta.extra is not None
        self.has_made = self.has_made or bool(delta.images or delta.files)
        self._calls += delta.tool_calls or ()
        delta.tool_calls = []
        if delta.response_usage is not None and self._grows:
            self._usage = _most(self._usage, delta.response_usage)
            delta.response_usage = None
        said = delta.content, delta.reasoning_content
        yield from self._texts(delta)
        if _is_more_than_text(delta, said):
            yield delta

    def _texts(self, delta: ModelResponse) -> Iterator[ModelResponse]:
        """Take the texts out of the delta and give them, each as a piece of its own."""
        pieces: list[Piece] = []
        if isinstance(delta.reasoning_content, str):
            thought, delta.reasoning_content = self._fit(REASONING, delta.reasoning_content), None
            if thought:
                self._tags.no_tags()
                pieces.append((REASONING, thought))
        if isinstance(delta.content, str):
            text, delta.content = self._fit(CONTENT, delta.content), None
            pieces += self._tags.feed(text)
        elif delta.content is not None:
            self.has_spoken = True
            pieces += self._tags.end()
        yield from self._given(pieces, delta.provider_data)

    def _given(self, pieces: Iterable[Piece], added: Any = None) -> Iterator[ModelResponse]:
        for field, text in pieces:
            if field == CONTENT:
                self.has_spoken = self.has_spoken or SOUND.search(text) is not None
            else:
                self.has_thought = True
            self.has_spoken = self.has_spoken and field != RETHOUGHT
            piece = ModelResponse(provider_data=copy.copy(added))
            if field == RETHOUGHT:
                vars(piece)[RETHOUGHT] = text
                piece.content = f"{text}\n"  # Agno's message keeps the tag, by which it is cleaned in the end
            else:
                setattr(piece, field, text)
            yield piece

    def _fit(self, field: str, text: str) -> str:
        """Return text that every database takes: characters that were cut in two are joined, what belongs to none is replaced."""
        text = (self._halves[field] + text).replace("\0", "")
        self._halves[field] = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._halves[field] = text[:-1], text[-1]
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text

    def _last_text(self) -> Iterator[ModelResponse]:
        left = {field: "\ufffd" if half else "" for field, half in self._halves.items()}
        pieces = [(REASONING, left[REASONING])] if left[REASONING] else []
        yield from self._given([*pieces, *self._tags.feed(left[CONTENT]), *self._tags.end()])

    def _last(self) -> Iterator[ModelResponse]:
        yield from self._last_text()
        if self._calls:
            whole = self._assemble(self._calls)
            self.has_called = bool(whole)
            # What goes with the calls names them by the ids that they had.
            yield ModelResponse(tool_calls=whole if self._has_extra else calls.with_own_ids(whole, self._messages))
        if self._usage is not None:
            yield ModelResponse(response_usage=self._usage)


def _is_more_than_text(delta: ModelResponse, said: tuple[Any, Any]) -> bool:
    """Whether there is something left in it, now that its text is given."""
    had_text = any(isinstance(text, str) for text in said)
    left = any(value != _NOTHING.get(name) for name, value in vars(delta).items() if name not in {"created_at", "provider_data"})
    return left or bool(delta.provider_data and not had_text)


def _most(known: MessageMetrics | None, told: MessageMetrics) -> MessageMetrics:
    """Return the larger number of each: a provider that tells usage as it goes tells all of it each time."""
    if known is None:
        return told
    for field in dataclasses.fields(told):
        before, now = getattr(known, field.name), getattr(told, field.name)
        if isinstance(before, int | float) and isinstance(now, int | float):
            setattr(told, field.name, max(before, now))
        elif now is None:
            setattr(told, field.name, before)
    return told


def names_of(tools: Collection[Any] | None) -> frozenset[str]:
    """Return the names of the tools in a request."""
    found = (tool.get("function", {}).get("name") if isinstance(tool, dict) else getattr(tool, "name", None) for tool in tools or ())
    return frozenset(name for name in found if name)
