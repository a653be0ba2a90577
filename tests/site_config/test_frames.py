"""Streams that end in every way: by themselves, by their reader, by a reader that is gone before it begins."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from site_config import frames

BEAT = b"beat"


class Tale:
    """Frames, and whether they were let go."""

    def __init__(self, *told: bytes, endless: bool = False) -> None:
        self.told = told
        self.endless = endless
        self.closed = False

    async def frames(self) -> AsyncIterator[bytes]:
        try:
            for frame in self.told:
                yield frame
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.closed = True


class Reader:
    def __init__(self, *, leaves: bool = False, breaks: bool = False, stalls: bool = False) -> None:
        self.leaves = leaves
        self.breaks = breaks
        self.stalls = stalls
        self.sent: list[Mapping[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if not self.leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if self.breaks:
            raise OSError
        if self.stalls and len(self.sent) > 1:
            await asyncio.Event().wait()
        self.sent.append(message)


class TestStream:
    async def test_is_sent_to_its_end(self) -> None:
        tale, reader = Tale(b"one", b"two"), Reader()
        await frames.stream(200, [(b"a", b"b")], tale.frames(), reader.receive, reader.send, BEAT)
        assert reader.sent[0] == {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}
        assert [message["body"] for message in reader.sent[1:]] == [b"one", b"two", b""]
        assert tale.closed

    async def test_without_a_frame_is_an_empty_answer(self) -> None:
        reader = Reader()
        await frames.stream(200, [], Tale().frames(), reader.receive, reader.send, BEAT)
        assert b"".join(message.get("body", b"") for message in reader.sent) == b""

    async def test_ends_when_its_reader_leaves(self) -> None:
        tale, reader = Tale(b"one", endless=True), Reader(leaves=True)
        await frames.stream(200, [], tale.frames(), reader.receive, reader.send, BEAT)
        assert tale.closed

    async def test_is_let_go_when_nothing_of_it_can_be_sent(self) -> None:
        tale, reader = Tale(b"one"), Reader(breaks=True)
        with pytest.raises(OSError):
            await frames.stream(200, [], tale.frames(), reader.receive, reader.send, BEAT)
        assert tale.closed

    async def test_ends_when_its_reader_takes_nothing_any_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(frames, "SEND_SECONDS", 0.05)
        tale, reader = Tale(b"one", b"two", endless=True), Reader(stalls=True)
        await frames.stream(200, [], tale.frames(), reader.receive, reader.send, BEAT)
        assert tale.closed


class TestSilence:
    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(frames, "LOOK_SECONDS", 0.02)
        monkeypatch.setattr(frames, "SILENT_SECONDS", 0.1)

    async def sent_in(self, seconds: float, tale: Tale, reader: Reader) -> list[bytes]:
        task = asyncio.create_task(frames.stream(200, [], tale.frames(), reader.receive, reader.send, BEAT))
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [message["body"] for message in reader.sent[1:]]

    async def test_is_broken_by_heartbeats_whatever_the_frames_wait_for(self) -> None:
        tale = Tale(b"one", endless=True)
        sent = await self.sent_in(0.6, tale, Reader())
        assert sent[0] == b"one"
        assert 2 <= sent.count(BEAT) <= 6
        assert tale.closed

    async def test_is_left_to_a_reader_that_takes_nothing(self) -> None:
        assert await self.sent_in(0.4, Tale(b"one", b"two", endless=True), Reader(stalls=True)) == [b"one"]
