"""Calls of one tool that follow each other are one line, by the tool's name for people."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from agentos.chat.live.part_views import activity, part_views
from agentos.chat.live.parts import fold
from agentos.core.fragments import draw


def started(*names: str) -> list[tuple[str, dict[str, Any]]]:
    return [("tool_started", {"call_id": str(number), "name": name, "args": {}}) for number, name in enumerate(names)]


def shown(*events: tuple[str, dict[str, Any]]) -> BeautifulSoup:
    views = part_views(fold(events), "turn-1", growing=False)
    return BeautifulSoup("".join(draw("chat/_part.html", {"part": view}) for view in views), "html.parser")


def outer(soup: BeautifulSoup) -> list[str]:
    """What stands there while all is folded."""
    return [" ".join(fold.summary.get_text().split()) for fold in soup.find_all("details", recursive=False) if fold.summary]


def test_repeated_calls_are_counted() -> None:
    assert outer(shown(*started("add", "multiply", "add", "current_time", "add"))) == [
        "Calculator, 3 times running",
        "Clock running",
        "Calculator running",
    ]


def test_each_call_is_still_there() -> None:
    assert len(shown(*started("search", "search")).select("details.calls details.tool")) == 2


def test_a_call_that_failed_shows_on_the_outside() -> None:
    failed = ("tool_failed", {"call_id": "0", "name": "search", "error": "no"})
    finished = ("tool_finished", {"call_id": "1", "name": "search", "result": "yes"})
    assert outer(shown(*started("search", "search"), failed, finished)) == ["Search, 2 times 1 failed"]


def test_text_between_them_divides_them() -> None:
    soup = shown(*started("search"), ("text", {"text": "So"}), *started("search"))
    assert soup.select(".calls") == []


@pytest.mark.parametrize(
    ("name", "label"), [("multiply", "Calculator"), ("get_weather", "Get weather"), ("listFiles", "List Files"), ("_", "_")]
)
def test_what_is_called_has_a_name_for_people(name: str, label: str) -> None:
    assert activity(fold(started(name))) == f"Calling {label}"


@pytest.mark.parametrize(
    ("decision", "by", "status", "words"),
    [
        ("approved", "", "tool_finished", "Send mail You approved"),
        ("approved", "Ada", "tool_finished", "Send mail Approved by Ada"),
        ("approved", "", "tool_failed", "Send mail failed You approved"),
        ("refused", "", "tool_failed", "Send mail You refused"),
        ("refused", "Ada", "tool_failed", "Send mail Refused by Ada"),
        ("answered", "", "tool_finished", "Send mail You answered"),
        ("answered", "Ada", "tool_finished", "Send mail Answered by Ada"),
    ],
)
def test_a_call_says_who_decided_on_it(decision: str, by: str, status: str, words: str) -> None:
    begun = {"call_id": "1", "name": "send_mail", "args": {}, "decision": decision, "decided_by": by}
    soup = shown(("tool_started", begun), (status, {"call_id": "1", "error": "no", "result": "yes"}))
    assert outer(soup) == [words]


def test_a_call_shows_what_was_noted_about_it() -> None:
    begun = {"call_id": "1", "name": "send_mail", "args": {}, "decision": "approved", "decided_by": "Ada", "note": "Fine\u202e <b>"}
    soup = shown(("tool_started", begun), ("tool_finished", {"call_id": "1", "result": "yes"}))
    assert outer(soup) == ["Send mail Approved by Ada Fine\\u202e <b>"]
    assert [note.get_text(strip=True) for note in soup.select(".decision-note")] == ["Fine\\u202e <b>"]


def test_a_call_says_what_was_changed_before_it_was_approved() -> None:
    begun = {"call_id": "1", "name": "send_mail", "args": {}, "decision": "approved", "decided_by": "", "changed": ["cc_list", "to"]}
    soup = shown(("tool_started", begun), ("tool_finished", {"call_id": "1", "result": "yes"}))
    assert outer(soup) == ["Send mail You changed and approved"]
    assert "Cc list, To" in soup.get_text()


def test_a_call_that_was_refused_has_not_failed() -> None:
    begun = {"name": "send_mail", "args": {}, "decision": "refused", "decided_by": ""}
    events: list[tuple[str, dict[str, Any]]] = []
    for call in "12":
        events += [("tool_started", begun | {"call_id": call}), ("tool_failed", {"call_id": call, "error": "no"})]
    soup = shown(*events)
    assert outer(soup) == ["Send mail, 2 times 2 refused"]
    assert not soup.select(".failed")


CHART = {"kind": "chart", "chart": "bar", "title": "<b>Sales", "labels": ["a", "</svg><i>"], "series": [{"name": "x", "values": [1, 2]}]}


def finished(call: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "tool_finished", {"call_id": call, "name": "make_chart", "result": "Shown.", **more}


class TestWhatACallShows:
    def test_stands_outside_of_its_fold(self) -> None:
        soup = shown(*started("make_chart"), finished("0", shown=CHART))
        (whole,) = soup.find_all(True, recursive=False)
        assert whole["id"] == "turn-1-part-0"
        assert [(part.name, part["id"]) for part in whole.find_all(True, recursive=False)] == [
            ("details", "turn-1-part-0-call"),
            ("figure", "turn-1-part-0-shown"),
        ]

    def test_of_several_stands_below_their_line(self) -> None:
        soup = shown(*started("make_chart", "make_chart", "make_chart"), finished("2", shown=CHART), finished("0", shown=CHART))
        (whole,) = soup.find_all(True, recursive=False)
        assert [part["id"] for part in whole.find_all(True, recursive=False)] == [
            "turn-1-calls-0-calls",
            "turn-1-part-0-shown",
            "turn-1-part-2-shown",
        ]
        ids = [tag["id"] for tag in soup.select("[id]")]
        assert sorted(set(ids)) == sorted(ids)

    def test_is_escaped(self) -> None:
        soup = shown(*started("make_chart"), finished("0", shown=CHART))
        assert not soup.select("b:-soup-contains(Sales), i")
        assert "<b>Sales" in soup.get_text()

    def test_has_no_style_of_its_own(self) -> None:
        soup = shown(*started("make_chart"), finished("0", shown=CHART))
        assert not soup.select("[style], style, script")

    def test_has_its_numbers_in_a_table(self) -> None:
        soup = shown(*started("make_chart"), finished("0", shown=CHART))
        assert [cell.get_text(strip=True) for cell in soup.select("tbody tr > *")] == ["a", "1", "</svg><i>", "2"]

    @pytest.mark.parametrize("odd", [{"kind": "chart"}, {"kind": "hologram"}, {"kind": ["chart"]}, "chart", {"no": "kind"}])
    def test_is_left_out_when_it_cannot_be_drawn(self, odd: Any) -> None:
        soup = shown(*started("make_chart"), finished("0", shown=odd))
        assert [fold["id"] for fold in soup.find_all(True, recursive=False)] == ["turn-1-part-0"]
        assert not soup.select("figure")
