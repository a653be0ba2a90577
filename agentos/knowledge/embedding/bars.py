"""How much a passage has to have in common with a question."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bars:
    """``near``: from here on it is found; ``fits``: from here on it is said to fit."""

    near: float
    fits: float
