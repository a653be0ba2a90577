"""How much of an answer somebody has been told, counted so that they can go on from there at any time.

The count is made of the answer alone, not of the events that brought it: it is the same while the run runs, and after its journal has
been folded. A character counts one, a tool call two (it began, it ended); an index is twice the count, which leaves room between for
the events that say something about the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from agentos.chat.parts import DELTAS, Part

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
        self.told: list[int] = []
        self.count = 0

    @classmethod
    def at(cls, index: int, parts: list[Part]) -> "Progress":
        """Return the progress of somebody who was told everything up to ``index``.

        Calls that ran side by side may have ended in another order than they stand in: the last of them are told again.
        """
        progress = cls()
        left = max(index, 0) // 2
        for part in parts:
            size = len(part["text"]) if part["kind"] in DELTAS else ENDED
            progress.told.append(min(size, left))
            left -= progress.told[-1]
        place = next((i for i, part in enumerate(parts) if progress.told[i] < ENDED and part["kind"] not in DELTAS), None)
        if place is not None and left <= 0:
            progress._repeat_calls(parts, place)
        progress.count = sum(progress.told)
        return progress

    def _repeat_calls(self, parts: list[Part], place: int) -> None:
        while place > 0 and parts[place - 1]["kind"] not in DELTAS:
            place -= 1
        for later in range(place, len(self.told)):
            self.told[later] = 0

    def steps(self, parts: list[Part]) -> Iterator[Step]:
        """Give what ``parts`` has and was not told yet, and count it as told."""
        for place, part in enumerate(parts):
            if place == len(self.told):
                self.told.append(0)
            if part["kind"] in DELTAS:
                if len(part["text"]) > self.told[place]:
                    text = part["text"][self.told[place] :]
                    yield self._step(place, len(text), part["kind"], part, text)
                continue
            if self.told[place] == 0:
                yield self._step(place, 1, "began", part)
            if self.told[place] == BEGUN and part["status"] != "running":
                yield self._step(place, 1, "ended", part)

    @property
    def index(self) -> int:
        return 2 * self.count

    def _step(self, place: int, units: int, what: str, part: Part, text: str = "") -> Step:
        self.told[place] += units
        self.count += units
        return Step(what, part, text, self.index)
