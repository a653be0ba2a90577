"""Frames of an event stream cannot be broken out of."""

import pytest

from agentos.core.http import sse


class TestFrame:
    def test_has_its_id_its_name_and_every_line_of_its_data(self) -> None:
        assert sse.frame("a\nb", event="x", event_id="1-2-3") == b"id: 1-2-3\nevent: x\ndata: a\ndata: b\n\n"

    @pytest.mark.parametrize("evil", ["a\r\nevent: closed", "a\revent: closed", "a\n\nid: 9", "a\0b", "\ud800"])
    def test_keeps_data_inside_data(self, evil: str) -> None:
        lines = sse.frame(evil).decode().split("\n")
        assert all(line.startswith("data: ") for line in lines[:-2])
        assert lines[-2:] == ["", ""]
        assert "\r" not in "".join(lines)
        assert "\0" not in "".join(lines)


class TestEventStream:
    def test_is_neither_held_back_nor_kept_nor_compressed(self) -> None:
        async def nothing():
            yield b""

        answer = sse.EventStream(nothing())
        assert answer["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer["Cache-Control"] == "no-store, no-transform"
        assert answer["X-Accel-Buffering"] == "no"
        assert answer["Content-Encoding"] == "identity"
