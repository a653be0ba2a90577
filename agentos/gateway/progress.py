"""How much of an answer a client has been sent, counted so that it can go on from there at any time.

The count is made of the answer alone, not of the events that brought it: it is the same while the run runs, and after its journal has
been folded. A character counts one, a tool call two (it began, it ended); an index is twice the count, which leaves room between for
the events that say something about the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from agentos.chat.live.parts import DELTAS, OPEN, Part

BEGUN, ENDED = 1, 2


@dataclass(frozen=True, slots=True)
class Step:
    """Something new: ``text`` or ``reasoning`` with the text that was added, or a tool call that ``began`` or ``ended``."""

    what: str
    part: Part
    text: str
    index: int


class Progress:
    def __init__(self) -> None:
        self.sent: list[int] = []
        self.count = 0

    @classmethod
    def at(cls, index: int, parts: list[Part]) -> "Progress":
        """Return the progress of a client that was sent everything up to ``index``.

        Calls that ran side by side may have ended in another order than they stand in: the last of them are sent again.
        """
        progress = cls()
        left = max(index, 0) // 2
        for part in parts:
            size = len(part["text"]) if part["kind"] in DELTAS else ENDED
            progress.sent.append(min(size, left))
            left -= progress.sent[-1]
        place = next((i for i, part in enumerate(parts) if progress.sent[i] < ENDED and part["kind"] not in DELTAS), None)
        if place is not None:
            progress._repeat_calls(parts, place)
        progress.count = sum(progress.sent)
        return progress

    def _repeat_calls(self, parts: list[Part], place: int) -> None:
        while place > 0 and parts[place - 1]["kind"] not in DELTAS:
            place -= 1
        for later in range(place, len(self.sent)):
            self.sent[later] = 0

    def steps(self, parts: list[Part]) -> Iterator[Step]:
        """Give what ``parts`` has and was not sent yet, and count it as sent."""
        for place, part in enumerate(parts):
            if place == len(self.sent):
                self.sent.append(0)
            if part["kind"] in DELTAS:
                if len(part["text"]) > self.sent[place]:
                    text = part["text"][self.sent[place] :]
                    yield self._step(place, len(text), part["kind"], part, text)
                continue
            if self.sent[place] == 0:
                yield self._step(place, 1, "began", part)
            if self.sent[place] == BEGUN and part["status"] not in OPEN:
                yield self._step(place, 1, "ended", part)

    @property
    def index(self) -> int:
        return 2 * self.count

    def _step(self, place: int, units: int, what: str, part: Part, text: str = "") -> Step:
        self.sent[place] += units
        self.count += units
        return Step(what, part, text, self.index)
