"""Charts: every number in its place, whatever the numbers are."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.core.rendering import charts
from agentos.core.rendering.charts import Chart, chart_of


def chart(kind: str, values: list[Any], **more: Any) -> Chart:
    labels = [f"l{number}" for number in range(len(values))]
    found = chart_of({"chart": kind, "title": "T", "labels": labels, "series": [{"name": "a", "values": values}], **more})
    assert found is not None
    return found


def share(text: str) -> float:
    return float(text.removesuffix("%"))


class TestBars:
    def test_stand_on_zero_up_and_down(self) -> None:
        plot = chart("bar", [10, -10, 0, None]).plot
        assert plot is not None
        assert [line.text for line in plot.scale] == ["-10", "-5", "0", "5", "10"]
        assert plot.zero == "50.00%"
        up, down, none = plot.bars
        assert (up.y, up.height, down.y, down.height, none.height) == ("0.00%", "50.00%", "50.00%", "50.00%", "0.00%")
        assert up.label == "l0, a: 10"

    def test_of_several_series_stand_side_by_side(self) -> None:
        series = [{"name": name, "values": [1, 2]} for name in "ab"]
        plot = chart("bar", [0, 0], series=series).plot
        assert plot is not None
        assert [(bar.series, bar.x, bar.width) for bar in plot.bars] == [
            (1, "5.00%", "20.00%"),
            (1, "55.00%", "20.00%"),
            (2, "25.00%", "20.00%"),
            (2, "75.00%", "20.00%"),
        ]
        assert [key.text for key in chart("bar", [0, 0], series=series).keys] == ["a", "b"]


class TestLines:
    def test_go_from_number_to_number_and_not_over_gaps(self) -> None:
        plot = chart("line", [0, 10, None, 5]).plot
        assert plot is not None
        assert [(segment.x1, segment.y1, segment.x2, segment.y2) for segment in plot.segments] == [("12.50%", "100.00%", "37.50%", "0.00%")]
        assert [dot.x for dot in plot.dots] == ["12.50%", "37.50%", "87.50%"]

    def test_of_many_numbers_have_dots_only_where_one_stands_alone(self) -> None:
        plot = chart("line", [1, None, *range(60)]).plot
        assert plot is not None
        assert len(plot.dots) == 1

    def test_need_no_zero_when_they_are_far_from_it(self) -> None:
        plot = chart("line", [1000, 1001]).plot
        assert plot is not None
        assert (plot.scale[0].text, plot.zero) == ("1,000", "")


class TestPies:
    def test_have_a_slice_for_each_share(self) -> None:
        found = chart("pie", [1, 1, 2, 0])
        assert [key.text for key in found.keys] == ["l0: 25.0%", "l1: 25.0%", "l2: 50.0%", "l3: 0.0%"]
        assert [piece.series for piece in found.slices] == [1, 2, 3]
        assert found.slices[0].path == "M0 0L0.000 -90.000A90 90 0 0 1 90.000 -0.000Z"

    def test_of_one_share_are_a_circle(self) -> None:
        (whole,) = chart("pie", [0, 7]).slices
        assert (whole.path, whole.series) == ("", 2)


class TestLabels:
    def test_that_have_no_room_are_left_out(self) -> None:
        plot = chart("line", list(range(200))).plot
        assert plot is not None
        assert 5 < len(plot.labels) <= 14
        assert sum(not label.is_minor for label in plot.labels) <= 7

    def test_that_are_long_are_cut(self) -> None:
        plot = chart("bar", [1, 2], labels=["x" * 60, "y"]).plot
        assert plot is not None
        assert plot.labels[0].text.endswith("x…")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"chart": "bar"},
        {"chart": "bar", "labels": 5, "series": []},
        {"chart": "bar", "labels": ["a"], "series": [{"name": "a", "values": ["many"]}]},
        {"chart": "bar", "labels": ["a"], "series": [{"name": "a", "values": [float("nan")]}]},
        {"chart": "radar", "labels": ["a"], "series": [{"name": "a", "values": [1]}]},
        {"chart": "bar", "labels": ["a"], "series": [None]},
        {"chart": "bar", "labels": ["a"], "series": [{"name": "a", "values": [10**400]}]},
    ],
)
def test_what_is_no_chart_is_none(data: Any) -> None:
    assert chart_of(data) is None


def test_characters_that_cannot_be_seen_are_shown() -> None:
    found = chart("bar", [1], title="a\u202eb", labels=["\u200b"])
    assert (found.title, found.rows[0][0]) == ("a\\u202eb", "\\u200b")


NUMBERS = st.floats(-1e15, 1e15, allow_nan=False)


@given(
    st.sampled_from(["bar", "line"]),
    st.lists(NUMBERS | st.none(), min_size=1, max_size=30).filter(lambda values: any(v is not None for v in values)),
)
def test_every_number_is_inside_and_in_its_order(kind: str, values: list[float | None]) -> None:
    plot = chart(kind, values).plot
    assert plot is not None
    assert 2 <= len(plot.scale) <= 12
    places = [
        *(share(bar.y) for bar in plot.bars),
        *(share(bar.y) + share(bar.height) for bar in plot.bars),
        *(share(dot.y) for dot in plot.dots),
    ]
    assert all(-0.02 <= place <= 100.02 for place in places)
    lines = [share(line.at) for line in plot.scale]
    assert all(above > below for above, below in pairwise(lines))


@given(NUMBERS, NUMBERS)
def test_a_scale_holds_both_ends(one: float, two: float) -> None:
    least, most = sorted((one, two))
    low, high, step = charts.scale(least, most, with_zero=False)
    slack = step * 1e-6
    assert low - slack <= least
    assert most <= high + slack
    assert step > 0


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (1200, "1,200"), (12_500, "12.5 k"), (-2.5e6, "-2.5 M"), (3e9, "3 bn"), (0.25, "0.25")]
)
def test_numbers_at_a_scale_are_short(number: float, said: str) -> None:
    assert charts.short(number) == said
