"""How much of a session a tab has seen: the ``id:`` of every frame, and what a reconnect starts from."""

import re
from dataclasses import dataclass
from typing import Self

SHAPE = re.compile(r"(\d{1,18})-(\d{1,18})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """All changes up to ``revision``, and of the run ``run_pk`` that ran then, its journal up to ``seq``."""

    revision: int = 0
    run_pk: int = 0
    seq: int = 0

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the cursor, or None when ``text`` is not one of ours: its reader then gets the fresh state."""
        found = SHAPE.fullmatch(text)
        return cls(*(int(number) for number in found.groups())) if found else None

    def __str__(self) -> str:
        return f"{self.revision}-{self.run_pk}-{self.seq}"

    def newer(self, other: Self | None) -> Self:
        """The one of two that has seen more: a reload's and a reconnect's may differ."""
        if other is None:
            return self
        return max(self, other, key=lambda cursor: (cursor.revision, cursor.seq))
