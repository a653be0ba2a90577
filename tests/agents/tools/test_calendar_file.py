"""Calendar files: one event, as any calendar reads it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from icalendar import Calendar

from agentos.agents.tools import Answer, Refused
from agentos.agents.tools.calendar_file import make_calendar_file


async def made(**arguments: Any) -> tuple[Answer, Any]:
    answer = await make_calendar_file.functions[0].call(**{"title": "Tea", "start": "2026-03-01T14:30", **arguments})
    assert isinstance(answer, Answer)
    assert answer.shown
    return answer, Calendar.from_ical(answer.shown["text"]).walk("VEVENT")[0]


async def test_a_time_is_written_in_utc() -> None:
    answer, event = await made(zone="Europe/Berlin", place="Café, 2nd floor; left", about="Bring\ncups")
    assert answer.text == "The user is offered the file Tea.ics: Tea, 01 March 2026, 13:30 UTC."
    assert answer.shown
    assert {**answer.shown, "text": ""} == {"kind": "file", "name": "Tea.ics", "type": "text/calendar", "text": ""}
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (
        datetime(2026, 3, 1, 13, 30, tzinfo=UTC),
        datetime(2026, 3, 1, 14, 30, tzinfo=UTC),
    )
    assert (str(event["location"]), str(event["description"])) == ("Café, 2nd floor; left", "Bring\ncups")


async def test_days_end_with_the_last_one() -> None:
    _, event = await made(start="2026-03-01", end="2026-03-02")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2026, 3, 1), date(2026, 3, 3))


async def test_a_time_may_say_its_own_zone() -> None:
    _, event = await made(start="2026-03-01T14:30+05:00", end="2026-03-01T11:00Z")
    assert event.decoded("dtstart") == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


async def test_a_text_cannot_add_lines_of_the_calendar() -> None:
    answer, event = await made(title="Tea\r\nATTENDEE:mailto:eve@evil.example\nEND:VEVENT", about="x\r\nBEGIN:VALARM")
    assert answer.shown
    assert "attendee" not in event
    assert [line for line in answer.shown["text"].split("\r\n") if "VEVENT" in line and "SUMMARY" not in line] == [
        "BEGIN:VEVENT",
        "END:VEVENT",
    ]
    assert str(event["summary"]) == "Tea ATTENDEE:mailto:eve@evil.example END:VEVENT"
    assert "/" not in answer.shown["name"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title": " "}, "needs a title"),
        ({"title": "t" * 201}, "200 are allowed"),
        ({"about": "t" * 4001}, "4,000 are allowed"),
        ({"start": "tomorrow"}, "no day and no time"),
        ({"start": "2026-02-30"}, "no day and no time"),
        ({"start": "9999-12-31T23:59"}, "no day and no time"),
        ({"start": "0001-01-01T00:00+05:00"}, "no day and no time"),
        ({"start": "2026-03-01", "end": "2026-03-01T10:00"}, "both days"),
        ({"start": "2026-03-01T10:00", "end": "2026-03-01T10:00"}, "ends after it begins"),
        ({"start": "2026-03-02", "end": "2026-03-01"}, "ends after it begins"),
        ({"start": "2026-03-02", "end": "2028-03-01"}, "within a year"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
    ],
)
async def test_says_what_is_no_event(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        await made(**given)
