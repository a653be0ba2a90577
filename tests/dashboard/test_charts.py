"""Charts that the server draws."""

from agentos.dashboard.charts import bars


def test_bars_are_as_high_as_their_numbers() -> None:
    drawn = bars([0, 1, 50, 100], ["a", "b", "c", "d"])
    assert [(bar.x, bar.y, bar.width, bar.height, bar.label) for bar in drawn] == [
        (0, 120, 146, 0, "a"),
        (150, 118, 146, 2, "b"),
        (300, 60, 146, 60, "c"),
        (450, 0, 146, 120, "d"),
    ]


def test_nothing_at_all_is_flat() -> None:
    assert [bar.height for bar in bars([0, 0], ["a", "b"])] == [0, 0]
    assert bars([], []) == []
