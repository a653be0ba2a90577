"""Charts as the server draws them: numbers become bars of an SVG, which a page shows without a script."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 600, 120, 4  # of the whole, and between two bars


@dataclass(frozen=True, slots=True)
class Bar:
    """``label`` says in words what it shows."""

    x: int
    y: int
    width: int
    height: int
    label: str


def bars(numbers: Sequence[int], labels: Sequence[str]) -> list[Bar]:
    """Return a bar for each number, the largest as high as the chart. One of nothing has no height, any other can be seen."""
    most = max(numbers, default=0) or 1
    step = WIDTH // max(1, len(numbers))
    heights = [max(2, number * HEIGHT // most) if number else 0 for number in numbers]
    return [
        Bar(place * step, HEIGHT - height, step - GAP, height, label)
        for place, (height, label) in enumerate(zip(heights, labels, strict=True))
    ]
