"""The bytes of a chat completion's stream into its chunks, as servers of OpenAI's protocol really send them.

By the standard a stream is lines of ``data:``, events end with an empty line, and ``[DONE]`` ends it all. Here it may as well begin with
a byte order mark, leave the empty lines out, be one JSON document although a stream was asked for, or a JSON document a line. What is
no answer at all (a page of a proxy, an error) is an error.
"""

import codecs
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from openai._streaming import ServerSentEvent

from agentos.agents.runtime import chunks, finish

BODY_LIMIT = 20_000_000  # characters of a document that is no stream
EXCERPT = 200
END_OF_STREAM = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish.END_OF_STREAM}]}


class NotAStream(Exception):
    """What the server answered is no answer of a model. The text is for the operator."""


class Chunk(ServerSentEvent):
    """An event whose JSON was read, and mended, already."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(data="{}")
        self.content = content

    def json(self) -> dict[str, Any]:
        return self.content


DONE = ServerSentEvent(data="[DONE]")


class ChatDecoder:
    """What the openai package asks for in place of its own decoder. One is made for each stream."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._line = ""  # that is not complete
        self._pending = ""  # document that is not complete
        self._is_stream: bool | None = None  # until the first line says
        self._has_data = False
        self._first = ""
        self._over = False

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[ServerSentEvent]:
        for data in iterator:
            yield from self._feed(self._text.decode(data))
        yield from self._end()

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
        async for data in iterator:
            for event in self._feed(self._text.decode(data)):
                yield event
        for event in self._end():
            yield event

    def _feed(self, text: str) -> Iterator[ServerSentEvent]:
        """Give what the complete lines say. A line ends with CR, LF or both."""
        lines = (self._line + text).replace("\r\n", "\n").split("\n")
        self._line = lines.pop()
        if "\r" in self._line[:-1]:
            *more, self._line = self._line.split("\r")
            lines += more
        for line in lines:
            for part in line.split("\r"):
                yield from self._read(part)

    def _end(self) -> Iterator[ServerSentEvent]:
        for line in (self._line + self._text.decode(b"", final=True)).split("\r"):
            yield from self._read(line)
        if self._pending and (_parsed(self._pending) is not None or not self._has_data):  # else it was cut in the middle of a line
            yield from self._told()
        if self._over:
            return
        if not self._has_data and self._first:
            raise NotAStream(f"The server answered with no chunk of an answer, but with: {self._first[:EXCERPT]}")
        yield Chunk(END_OF_STREAM)

    def _read(self, line: str) -> Iterator[ServerSentEvent]:
        if self._over:
            return
        if self._is_stream is None and line.strip():
            self._first = line.strip()
            if self._first[0] == "<":
                raise NotAStream(f"The server answered with a page instead of an answer: {self._first[:EXCERPT]}")
            self._is_stream = self._first[0] not in "{["
        yield from self._field(line) if self._is_stream else self._document(line)

    def _field(self, line: str) -> Iterator[ServerSentEvent]:
        """A line of an event stream: only data means something."""
        if not line.startswith("data:"):
            if not line:
                yield from self._told()
            elif line[0] == ":" or line.startswith(("event:", "id:", "retry:")):
                self._first = ""
            return
        data = line[5:].strip()
        while data.startswith("data:"):
            data = data[5:].strip()
        if self._pending and (_is_done(data) or _parsed(self._pending) is not None):
            yield from self._told()
        self._pending += f"\n{data}" if self._pending else data
        if _is_done(self._pending):
            self._over = self._has_data = True
            yield DONE

    def _told(self) -> Iterator[ServerSentEvent]:
        pending, self._pending = self._pending, ""
        if pending[:1] not in {"{", "["}:  # a sign of life
            return
        content = _parsed(pending)
        if content is None:
            msg = f"The server sent a chunk that is no JSON: {pending[:EXCERPT]}"
            raise NotAStream(msg)
        yield from self._chunks(content)

    def _document(self, line: str) -> Iterator[ServerSentEvent]:
        """A line of JSON: a whole document, or a part of one."""
        if line.startswith("data:"):  # after all
            self._is_stream, self._pending = True, ""
            yield from self._field(line)
            return
        self._pending += f"\n{line}" if self._pending else line
        if len(self._pending) > BODY_LIMIT:
            raise NotAStream("The server answered with a document that is too large.")
        if line[:1].isspace() or not line.rstrip().endswith(("}", "]")):
            return
        content = _parsed(self._pending)
        if content is not None:
            self._pending = ""
            yield from self._chunks(content)

    def _chunks(self, content: Any) -> Iterator[ServerSentEvent]:
        for item in content if isinstance(content, list) else [content]:
            self._has_data = True
            if chunks.is_whole(item):
                self._over = True
            yield Chunk(chunks.mended(item))


def _is_done(data: str) -> bool:
    return data[:6].upper() == "[DONE]"


def _parsed(text: str) -> Any:
    """Return what a JSON document says, None when it is none (or not yet)."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return None
