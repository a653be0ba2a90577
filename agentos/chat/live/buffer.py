"""The live buffers: what the journal has stored of each running run, kept in memory for its readers.

A buffer is never ahead of the run's journal. A process that has no buffer of a run reads the journal, or has a mirror do it.
"""

from asyncio import Future
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from agentos.chat.live.blocks import BlockScanner, Settled, shape
from agentos.chat.live.elements import part_id, turn_id
from agentos.chat.live.parts import DELTAS, Part, add, delegation, own, place_in
from agentos.chat.models import Run


class Form(NamedTuple):
    """Of a text that grows: ``closed``, up to where its blocks are final, and the shape of what follows (``blocks.shape``)."""

    closed: int
    shape: Settled | None


NO_TEXT = Form(0, Settled())


class Line(NamedTuple):
    """A stored event, with its place: the part that it touched, and for text the offsets in that part.

    ``last``: the part that was the last one when this line came, where it is no text. ``inner``: the line inside the delegation.
    ``is_new``: the part began with this line.
    ``before`` and ``after`` this line: up to where the part's blocks were final, and the form of the block that was still open.
    """

    seq: int
    kind: str
    part: int
    start: int = 0
    end: int = 0
    before: Form = NO_TEXT
    after: Form = NO_TEXT
    last: int = -1
    inner: "Line | None" = None
    is_new: bool = False


MEMBER = "member"  # the kind of a line by which something inside a delegation has changed


class Growing:
    """Parts that grow, in ``element``: those of an answer, or those inside a delegation. ``first``: their first place in the run."""

    def __init__(self, element: SafeString, parts: list[Part], run_id: str, first: int = 0) -> None:
        self.element = element
        self.run_id = run_id
        self.first = first
        self.parts = parts
        self.lines: list[Line] = []
        self._scanner = BlockScanner()
        self._form = NO_TEXT

    def note(self, seq: int, kind: str, data: dict[str, Any]) -> Line:
        """Fold a stored event in, and return its line."""
        count = len(self.parts)
        index = add(self.parts, kind, data)
        if kind not in DELTAS:
            line = Line(seq, kind, index, last=len(self.parts) - 1, is_new=len(self.parts) > count)
        else:
            text = self.parts[index]["text"]
            if len(self.parts) > count:
                self._scanner, self._form = BlockScanner(), NO_TEXT
            before, closed = self._form, self._scanner.feed(text)
            self._form = Form(closed, shape(text[closed:]))
            line = Line(seq, kind, index, len(text) - len(data["text"]), len(text), before, self._form)
        self.lines.append(line)
        return line


class LiveBuffer(Growing):
    """``inner``: what grows inside the delegations, by the place of their part."""

    def __init__(self, run: Run) -> None:
        super().__init__(turn_id(run), [], run.run_id)
        self.run_pk = run.pk
        self.session_pk = run.session_id
        self.turn = run.turn
        self.attempt = run.attempt
        self.inner: dict[int, Growing] = {}
        self.seq = 0
        self.drawn: dict[tuple[int, int], Future[list[tuple[int, str]]]] = {}  # steps that were rendered: streaming.grown

    def take(self, seq: int, kind: str, data: dict[str, Any]) -> None:
        """Fold a stored event in."""
        self.seq = seq
        index = delegation(self.parts, data["within"]) if data.get("within") else -1
        if index < 0:
            self.note(seq, kind, data)
            return
        inner = self.inner.get(index)
        if inner is None:
            inner = self.inner[index] = Growing(part_id(self.element, index), self.parts[index]["parts"], self.run_id, place_in(index))
        line = inner.note(seq, kind, own(data))
        self.lines.append(Line(seq, MEMBER, index, last=len(self.parts) - 1, inner=line))

    def after(self, seq: int) -> list[Line]:
        """The lines with a greater number than ``seq``; ``seq`` counts from 1 without gaps."""
        return self.lines[seq - self.lines[0].seq + 1 :] if self.lines and seq >= self.lines[0].seq else list(self.lines)


class LiveBuffers:
    """The buffers of the runs that this process drives, by session; and the mirrors of those that others drive (chat/live/mirrors.py)."""

    def __init__(self) -> None:
        self.by_session: dict[int, LiveBuffer] = {}
        self.mirrors: dict[int, LiveBuffer] = {}

    def open(self, run: Run) -> LiveBuffer:
        buffer = self.by_session[run.session_id] = LiveBuffer(run)
        return buffer

    def close(self, buffer: LiveBuffer) -> None:
        if self.by_session.get(buffer.session_pk) is buffer:
            del self.by_session[buffer.session_pk]

    def of_session(self, session_pk: int) -> LiveBuffer | None:
        return self.by_session.get(session_pk) or self.mirrors.get(session_pk)


live_buffers = LiveBuffers()
