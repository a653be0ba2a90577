"""Answers while they are being written: what the journal has stored of each running run, kept in memory for its readers.

A draft is a shadow of the run's journal and never ahead of it. A process that has no draft of a run reads the journal.
"""

from typing import Any, NamedTuple

from agentos.chat.blocks import BlockScanner, Settled, shape
from agentos.chat.models import Run
from agentos.chat.parts import DELTAS, Part, add


class Form(NamedTuple):
    """Of a text that grows: ``closed``, up to where its blocks are final, and the shape of what follows (``blocks.shape``)."""

    closed: int
    shape: Settled | None


NO_TEXT = Form(0, Settled())


class Line(NamedTuple):
    """A stored event, with its place: the part that it touched, and for text the offsets in that part.

    ``before`` and ``after`` this line: up to where the part's blocks were final, and the form of the block that was still open.
    """

    seq: int
    kind: str
    part: int
    start: int = 0
    end: int = 0
    before: Form = NO_TEXT
    after: Form = NO_TEXT


class Draft:
    def __init__(self, run: Run) -> None:
        self.run_pk = run.pk
        self.session_pk = run.session_id
        self.turn = run.turn
        self.attempt = run.attempt
        self.parts: list[Part] = []
        self.lines: list[Line] = []
        self.seq = 0
        self._scanner = BlockScanner()
        self._form = NO_TEXT

    def take(self, seq: int, kind: str, data: dict[str, Any]) -> None:
        """Fold a stored event in."""
        count = len(self.parts)
        index = add(self.parts, kind, data)
        self.seq = seq
        if kind not in DELTAS:
            self.lines.append(Line(seq, kind, index))
            return
        text = self.parts[index]["text"]
        if len(self.parts) > count:
            self._scanner, self._form = BlockScanner(), NO_TEXT
        before, closed = self._form, self._scanner.feed(text)
        self._form = Form(closed, shape(text[closed:]))
        self.lines.append(Line(seq, kind, index, len(text) - len(data["text"]), len(text), before, self._form))

    def after(self, seq: int) -> list[Line]:
        """The lines with a greater number than ``seq``; ``seq`` counts from 1 without gaps."""
        return self.lines[seq - self.lines[0].seq + 1 :] if self.lines and seq >= self.lines[0].seq else list(self.lines)


class Drafts:
    """The drafts of the runs that this process drives, by session."""

    def __init__(self) -> None:
        self.by_session: dict[int, Draft] = {}

    def open(self, run: Run) -> Draft:
        draft = self.by_session[run.session_id] = Draft(run)
        return draft

    def close(self, draft: Draft) -> None:
        if self.by_session.get(draft.session_pk) is draft:
            del self.by_session[draft.session_pk]

    def of_session(self, session_pk: int) -> Draft | None:
        return self.by_session.get(session_pk)


drafts = Drafts()
