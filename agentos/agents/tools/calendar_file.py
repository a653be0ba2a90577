"""An event as a calendar file, which people download from the turn and open in their calendar."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agentos.agents.tools.definition import Answer, Refused, tool
from agentos.core import clock

TITLE_LIMIT = 200  # characters
PLACE_LIMIT = 300
ABOUT_LIMIT = 4000
LONGEST = timedelta(days=366)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME = re.compile(r"[^\w-]+")  # what no name of a file has here
UNWRITTEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@tool(
    "Calendar file",
    slug="calendar-file",
    description="Makes an event that you can add to your calendar.",
    group="Communication",
    is_own=True,
)
async def make_calendar_file(title: str, start: str, end: str = "", zone: str = "UTC", place: str = "", about: str = "") -> Answer:
    """Make a calendar file (.ics) of one event. The user sees a link to download it in your answer.

    Args:
        title: What the event is called.
        start: 2026-03-01T14:30 for a time, 2026-03-01 for a whole day.
        end: In the same form. Without it: an hour later, or the same day. Of days, the last one.
        zone: Time zone of start and end, for example Europe/Berlin.
        place: Where it is.
        about: More about it, as plain text.
    """
    title, place, about = (UNWRITTEN.sub("", text).strip() for text in (title, place, about))
    title = " ".join(title.split())
    for text, limit, what in ((title, TITLE_LIMIT, "title"), (place, PLACE_LIMIT, "place"), (about, ABOUT_LIMIT, "text about it")):
        if len(text) > limit:
            raise Refused(f"The {what} has {len(text):,} characters; {limit:,} are allowed.")
    if not title:
        raise Refused("An event needs a title.")
    begins, ends = _times(start.strip(), end.strip(), zone.strip())
    name = (NAME.sub("-", title).strip("-")[:60] or "event") + ".ics"
    when = f"{begins:%d %B %Y}" if not isinstance(begins, datetime) else f"{begins:%d %B %Y, %H:%M} UTC"
    shown = {
        "kind": "file",
        "name": name,
        "type": "text/calendar",
        "text": await asyncio.to_thread(_written, title, begins, ends, place, about),
    }
    return Answer(f"The user is offered the file {name}: {title}, {when}.", shown=shown)


def _times(start: str, end: str, zone: str) -> tuple[date, date]:
    """Return both as days, or both as times in UTC. Raises Refused."""
    is_day = bool(DAY.fullmatch(start))
    if end and bool(DAY.fullmatch(end)) is not is_day:
        raise Refused("Start and end are both days (2026-03-01) or both times (2026-03-01T14:30).")
    try:
        if is_day:
            begins: date = date.fromisoformat(start)
            ends = (date.fromisoformat(end) if end else begins) + timedelta(days=1)
        else:
            begins = _time(start, zone)
            ends = _time(end, zone) if end else begins + timedelta(hours=1)
    except (ValueError, OverflowError):
        raise Refused("That is no day and no time. Write 2026-03-01 or 2026-03-01T14:30.") from None
    if not begins < ends <= begins + LONGEST:
        raise Refused("An event ends after it begins, and within a year.")
    return begins, ends


def _time(text: str, zone: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        try:
            found = found.replace(tzinfo=ZoneInfo(zone[:64]))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Refused(f"There is no time zone {zone[:60]!r}; use a name such as Europe/Berlin.") from None
    return found.astimezone(UTC)


def _written(title: str, begins: date, ends: date, place: str, about: str) -> str:
    from icalendar import Calendar, Event  # noqa: PLC0415 - it takes a while to import, and few need it

    event: Any = Event()
    event.add("uid", f"{uuid4()}@agentos")
    event.add("dtstamp", clock.now().astimezone(UTC))
    event.add("dtstart", begins)
    event.add("dtend", ends)
    event.add("summary", title)
    if place:
        event.add("location", place)
    if about:
        event.add("description", about)
    calendar: Any = Calendar()
    calendar.add("prodid", "-//AgentOS for Django//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode()
