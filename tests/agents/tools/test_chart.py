"""The chart that a model asks for: what is refused, what the model is told, and what people are shown."""

import math
from typing import Any

import pytest

from agentos.agents import tools
from agentos.agents.tools import Answer, BadArguments, Refused
from agentos.agents.tools.chart import make_chart

MONTHS = ["January", "February", "March"]


async def called(**arguments: Any) -> Answer:
    given = {"kind": "bar", "title": "Sales", "labels": MONTHS, "series": [{"name": "2025", "values": [1, 2.5, -3]}], **arguments}
    answer = await make_chart.functions[0].call(**given)
    assert isinstance(answer, Answer)
    return answer


def test_is_offered() -> None:
    assert tools.fixed()["chart"] is make_chart


async def test_tells_the_model_in_words_and_shows_people_plain_data() -> None:
    answer = await called()
    assert answer.text == "The user is shown this chart: bar, 'Sales', 3 labels; 2025 from 1 to -3."
    assert answer.shown == {
        "kind": "chart",
        "chart": "bar",
        "title": "Sales",
        "labels": MONTHS,
        "series": [{"name": "2025", "values": [1.0, 2.5, -3.0]}],
    }


async def test_keeps_long_names_short() -> None:
    answer = await called(title="t" * 1000, labels=["l" * 1000] * 3, series=[{"name": "s" * 1000, "values": [1, 2, 3]}])
    assert answer.shown
    assert (len(answer.shown["title"]), len(answer.shown["labels"][0]), len(answer.shown["series"][0]["name"])) == (120, 60, 60)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"labels": [], "series": []}, "nothing to draw"),
        ({"series": [{"name": "a", "values": [None, None, None]}]}, "nothing to draw"),
        ({"series": [{"name": "a", "values": [1]}]}, "The series 'a' needs a number for each of the 3 labels"),
        ({"series": [{"values": [1]}]}, "Each series needs a number for each of the 3 labels"),
        ({"series": [{"name": "a", "values": [1, math.nan, 2]}]}, "Only numbers up to"),
        ({"series": [{"name": "a", "values": [1, math.inf, 2]}]}, "Only numbers up to"),
        ({"series": [{"name": "a", "values": [1, 1e300, 2]}]}, "Only numbers up to"),
        ({"labels": ["x"] * 10_000, "series": [{"name": "a", "values": [1] * 10_000}]}, "too much for one chart"),
        ({"series": [{"name": str(n), "values": [1, 2, 3]} for n in range(7)]}, "At most 6 series"),
        ({"kind": "pie", "series": [{"name": str(n), "values": [1, 2, 3]} for n in range(2)]}, "A pie shows one series"),
        ({"kind": "pie", "series": [{"name": "a", "values": [1, -2, 3]}]}, "no number may be below 0"),
        ({"kind": "pie", "series": [{"name": "a", "values": [0, 0, 0]}]}, "not all may be 0"),
        ({"kind": "pie", "labels": ["x"] * 9, "series": [{"name": "a", "values": [1] * 9}]}, "at most 8 slices"),
    ],
)
async def test_says_what_cannot_be_drawn(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        await called(**given)


async def test_knows_three_kinds() -> None:
    with pytest.raises(BadArguments, match="kind"):
        await called(kind="radar")
