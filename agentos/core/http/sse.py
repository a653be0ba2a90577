"""Server-sent events: frames of text/event-stream."""

from collections.abc import AsyncIterator

from django.http import StreamingHttpResponse

HEARTBEAT_SECONDS = 15.0
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}


def frame(data: str, *, event: str = "", event_id: str = "") -> bytes:
    """Return one frame. CR, LF and NUL in ``data`` cannot end a line of the protocol."""
    lines = []
    if event_id:
        lines.append(f"id: {event_id}")
    if event:
        lines.append(f"event: {event}")
    clean = data.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    lines.extend(f"data: {line}" for line in clean.split("\n"))
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


class EventStream(StreamingHttpResponse):
    """An answer that proxies neither hold back nor compress nor keep, whose frames the event loop sends once the view has returned.

    ``beat``: a frame that says nothing.
    """

    def __init__(self, frames: AsyncIterator[bytes], beat: bytes = b": beat\n\n") -> None:
        super().__init__(frames, headers=HEADERS)
        self.frames = frames
        self.beat = beat
