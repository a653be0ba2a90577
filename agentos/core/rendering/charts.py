"""Charts as the server draws them, in any width and without a script: places are shares of the drawing, and colours are classes.

What is drawn is plain data, ``{"chart": "bar" | "line" | "pie", "title", "labels": [...], "series": [{"name", "values": [...]}]}``; a value
may be None, which is a gap. ``objection`` says what is wrong with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from agentos.core.security.invisible import visible

KINDS = BAR, LINE, PIE = ("bar", "line", "pie")
SERIES, LABELS, VALUES, SLICES = 6, 200, 600, 8  # at most; values: of all series together
TITLE, NAME = 120, 60  # characters
LARGEST = 1e15
STEPS = (1, 2, 2.5, 5, 10)
INTERVALS = 4  # between lines of the scale, about
FILLED = 0.8  # of the width that a label has: the rest is between the bars
WIDE, NARROW = 84, 42  # characters of labels that stand side by side, on a screen and on a phone
DOTS = 40  # labels, beyond which a line has no dots
RADIUS = 90
UNITS = ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Text:
    """``at``: where it stands. ``is_minor``: left out where there is little room."""

    at: str
    text: str
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    series: int
    label: str


@dataclass(frozen=True, slots=True)
class Segment:
    x1: str
    y1: str
    x2: str
    y2: str
    series: int


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str
    series: int
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """``zero``: where nothing is, empty where the scale does not reach it."""

    scale: list[Text]
    labels: list[Text]
    zero: str
    bars: list[Bar] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Slice:
    """``path``: empty for a whole circle."""

    path: str
    series: int
    label: str


@dataclass(frozen=True, slots=True)
class Key:
    series: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``head`` and ``rows``: the numbers, as a table."""

    title: str
    head: list[str]
    rows: list[tuple[str, list[str]]]
    keys: list[Key]
    plot: Plot | None = None
    slices: list[Slice] = field(default_factory=list)


def objection(kind: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]]) -> str:
    """Return why this cannot be drawn, as a sentence; empty when it can."""
    numbers = [value for _, values in series for value in values if value is not None]
    if not labels or not series or not numbers:
        return "There is nothing to draw: give labels, and a series with a number for each."
    if len(labels) > LABELS or sum(len(values) for _, values in series) > VALUES:
        return f"That is too much for one chart: at most {LABELS} labels and {VALUES} numbers. Sum it up first."
    if wrong := next((name for name, values in series if len(values) != len(labels)), None):
        return f"The series {wrong[:NAME]!r} needs a number for each of the {len(labels)} labels."
    if any(len(values) != len(labels) for _, values in series):
        return f"Each series needs a number for each of the {len(labels)} labels."
    if not all(math.isfinite(number) and abs(number) <= LARGEST for number in numbers):
        return "Only numbers up to 10^15 can be drawn; use null where there is none."
    return _objection_to_pie(labels, len(series), numbers) if kind == PIE else _objection_to_series(len(series))


def _objection_to_series(count: int) -> str:
    return f"At most {SERIES} series can be told apart in one chart." if count > SERIES else ""


def _objection_to_pie(labels: Sequence[str], series: int, numbers: Sequence[float]) -> str:
    if series != 1:
        return "A pie shows one series. Use bars for several."
    if len(labels) > SLICES:
        return f"A pie has at most {SLICES} slices. Put the small ones together, or use bars."
    if min(numbers) < 0 or sum(numbers) <= 0:
        return "A pie shows shares of a whole: no number may be below 0, and not all may be 0. Use bars."
    return ""


def chart_of(data: Mapping[str, Any]) -> Chart | None:
    """Return the chart; None for what is none."""
    try:
        kind, labels = data["chart"], [visible(str(label)[:NAME]) for label in data["labels"]]
        series = [(visible(str(item["name"])[:NAME]), [_number(value) for value in item["values"]]) for item in data["series"]]
        title = visible(str(data.get("title", ""))[:TITLE])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if kind not in KINDS or objection(kind, labels, series):
        return None
    head = ["", *(name for name, _ in series)]
    rows = [(label, [written(values[place]) for _, values in series]) for place, label in enumerate(labels)]
    if kind == PIE:
        shares = _shares([value or 0 for value in series[0][1]])
        keys = [Key(place + 1, f"{label}: {share:.1%}") for place, (label, share) in enumerate(zip(labels, shares, strict=True))]
        return Chart(title, head, rows, keys, slices=_slices(labels, series[0][1], shares))
    keys = [Key(place, name) for place, (name, _) in enumerate(series, 1)] if len(series) > 1 else []
    return Chart(title, head, rows, keys, plot=_plot(kind, labels, series))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def written(value: float | None) -> str:
    """Return the number as it stands in a table."""
    if value is None:
        return "–"
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.15g}"


def short(value: float) -> str:
    """Return the number as it stands at a scale."""
    for size, unit in UNITS:
        if abs(value) >= size * (10 if unit == "k" else 1):
            return f"{value / size:g} {unit}"
    return f"{value:,.6g}" if value else "0"


def _plot(kind: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]]) -> Plot:
    numbers = [value for _, values in series for value in values if value is not None]
    low, high, step = scale(min(numbers), max(numbers), with_zero=kind == BAR)
    count = round((high - low) / step)

    def down(value: float) -> float:
        return 100 * (high - value) / (high - low)

    lines = [Text(_share(down(low + number * step)), short(round(low + number * step, 12))) for number in range(count + 1)]
    drawn = Plot(lines, _labels(labels), _share(down(0)) if low <= 0 <= high else "")
    band = 100 / len(labels)
    for place, (name, values) in enumerate(series):
        said = [f"{label}, {name}: {written(value)}" for label, value in zip(labels, values, strict=True)]
        if kind == BAR:
            drawn.bars.extend(_bars(values, said, band=band, place=place, count=len(series), down=down))
        else:
            middles = [None if value is None else ((number + 0.5) * band, down(value)) for number, value in enumerate(values)]
            drawn.segments.extend(_segments(middles, place + 1))
            drawn.dots.extend(_dots(middles, said, place + 1))
    return drawn


def scale(least: float, most: float, *, with_zero: bool) -> tuple[float, float, float]:
    """Return where a scale begins and ends, and its step: round numbers that hold all from ``least`` to ``most``."""
    if with_zero or (least >= 0 and least < most / 2) or (most <= 0 and most > least / 2):
        least, most = min(least, 0), max(most, 0)
    if least == most:
        room = abs(least) / 2 or 1
        least, most = least - room, most + room
    rough = (most - least) / INTERVALS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * power for factor in STEPS if factor * power >= rough * (1 - 1e-9)), 10 * power)
    return math.floor(least / step + 1e-9) * step, math.ceil(most / step - 1e-9) * step, step


def _bars(values: Sequence[float | None], said: Sequence[str], *, band: float, place: int, count: int, down: Any) -> list[Bar]:
    width, zero = band * FILLED / count, down(0)
    found = []
    for number, (value, label) in enumerate(zip(values, said, strict=True)):
        if value is not None:
            top, bottom = sorted((down(value), zero))
            x = band * number + band * (1 - FILLED) / 2 + width * place
            found.append(Bar(_share(x), _share(top), _share(width), _share(bottom - top), place + 1, label))
    return found


def _segments(middles: Sequence[tuple[float, float] | None], series: int) -> list[Segment]:
    return [
        Segment(_share(one[0]), _share(one[1]), _share(two[0]), _share(two[1]), series) for one, two in pairwise(middles) if one and two
    ]


def _dots(middles: Sequence[tuple[float, float] | None], said: Sequence[str], series: int) -> list[Dot]:
    """Of few values, and of each that stands alone."""
    found = []
    for number, (middle, label) in enumerate(zip(middles, said, strict=True)):
        beside = (*middles[max(0, number - 1) : number], *middles[number + 1 : number + 2])
        if middle and (len(middles) <= DOTS or not any(beside)):
            found.append(Dot(_share(middle[0]), _share(middle[1]), series, label))
    return found


def _labels(labels: Sequence[str]) -> list[Text]:
    """Return those that have room, each in the middle of its place."""
    count = len(labels)
    longest = min(max(map(len, labels)), max(8, NARROW // min(count, 4) - 2))
    every = math.ceil(count * (longest + 2) / WIDE)
    few = every * math.ceil(count * (longest + 2) / NARROW / every)
    return [
        Text(_share((number + 0.5) * 100 / count), _cut(labels[number], longest), number % few != 0) for number in range(0, count, every)
    ]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _shares(values: Sequence[float]) -> list[float]:
    whole = math.fsum(values)
    return [value / whole for value in values]


def _slices(labels: Sequence[str], values: Sequence[float | None], shares: Sequence[float]) -> list[Slice]:
    found, turned = [], 0.0
    for place, (label, value, share) in enumerate(zip(labels, values, shares, strict=True), 1):
        said = f"{label}: {written(value)} ({share:.1%})"
        if share > 1 - 1e-6:
            return [Slice("", place, said)]
        if share:
            found.append(Slice(_arc(turned, turned + share), place, said))
        turned += share
    return found


def _arc(start: float, end: float) -> str:
    """Return the path of a slice, clockwise from the top."""
    x1, y1 = _on_circle(start)
    x2, y2 = _on_circle(end)
    return f"M0 0L{x1} {y1}A{RADIUS} {RADIUS} 0 {int(end - start > 0.5)} 1 {x2} {y2}Z"  # noqa: PLR2004 - half a circle


def _on_circle(turn: float) -> tuple[str, str]:
    angle = 2 * math.pi * turn
    return f"{RADIUS * math.sin(angle):.3f}", f"{-RADIUS * math.cos(angle):.3f}"


def _share(number: float) -> str:
    return f"{number:.2f}%"
