"""A chart in the answer. The model gives numbers, people are shown a drawing of the server's own (``core/rendering/charts.py``)."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from agentos.agents.tools.definition import Answer, Refused, tool
from agentos.core.rendering import charts


class Series(BaseModel):
    """The numbers of one bar's colour, of one line, or of the whole pie."""

    name: Annotated[str, Field(description="What it is called in the legend.")] = ""
    values: Annotated[list[float | None], Field(description="A number for each label; null where there is none.")]


@tool("Chart", slug="chart", description="Draws bars, lines or shares of numbers, in the answer.", group="Basics", is_own=True)
async def make_chart(kind: Literal["bar", "line", "pie"], title: str, labels: list[str], series: list[Series]) -> Answer:
    """Draw a chart, which the user sees in your answer. Do not repeat its numbers as a table.

    Args:
        kind: bar compares, line shows a course, pie shows shares of a whole (one series, at most 8 labels).
        title: What it shows, with the unit, for example Revenue in EUR.
        labels: What stands below, at most 200: months, names.
        series: At most 6, each with a number for every label.
    """
    numbers = [(each.name.strip(), each.values) for each in series]
    if wrong := charts.objection(kind, labels, numbers):
        raise Refused(wrong)
    drawn = {
        "kind": "chart",
        "chart": kind,
        "title": title.strip()[: charts.TITLE],
        "labels": [label[: charts.NAME] for label in labels],
        "series": [{"name": name[: charts.NAME], "values": list(values)} for name, values in numbers],
    }
    return Answer(f"The user is shown this chart: {_told(kind, drawn['title'], numbers)}", shown=drawn)


def _told(kind: str, title: object, series: list[tuple[str, list[float | None]]]) -> str:
    """Return it in words, for the model, in which each series is recognised by its ends."""
    said = [f"{name or 'series'} from {charts.written(values[0])} to {charts.written(values[-1])}" for name, values in series]
    return f"{kind}, {str(title)!r}, {len(series[0][1])} labels; {'; '.join(said)}."
