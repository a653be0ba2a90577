"""Tags and filters of every template."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages.storage.base import Message

from agentos.core import clock
from agentos.core.templatetags import house

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


class TestTile:
    @pytest.mark.parametrize(
        ("name", "letters"),
        [
            ("Support Writer", "SW"),
            ("tour", "T"),
            ("the big bad wolf", "TB"),
            ("(x) y", "XY"),
            ("", "?"),
            ("!?", "?"),
            ("مساعد الكتابة", "ما"),
        ],
    )
    def test_has_the_first_letters(self, name: str, letters: str) -> None:
        assert house.monogram(name) == letters

    def test_keeps_its_colour_when_the_name_changes(self) -> None:
        one, other = house.tile("Old name", "agent-1"), house.tile("New name", "agent-1")
        assert one.split('"')[1] == other.split('"')[1]

    def test_never_trusts_a_name(self) -> None:
        assert "<b>" not in house.tile("<b> <i>", "x", "<b>")


class TestTimes:
    def test_show_the_time_of_today_and_the_date_of_other_days(self) -> None:
        assert ">10:42</time>" in house.clock_time(NOW.replace(hour=10, minute=42))
        assert ">3 Nov, 10:42</time>" in house.clock_time(NOW.replace(day=3, hour=10, minute=42))
        assert house.clock_time(None) == ""

    @pytest.mark.parametrize(
        ("ago", "text"),
        [(timedelta(seconds=59), "just now"), (timedelta(minutes=5), "5\xa0minutes ago"), (timedelta(40), "1\xa0month ago")],
    )
    def test_are_told_in_one_unit(self, ago: timedelta, text: str) -> None:
        assert f">{text}</time>" in house.ago(NOW - ago)

    def test_carry_the_exact_moment(self) -> None:
        assert 'datetime="2026-11-22T12:00:00+00:00" title="22 November 2026, 12:00"' in house.ago(NOW)


class TestSeconds:
    @pytest.mark.parametrize(
        ("value", "text"),
        [(None, ""), (0.004, "under 0.1 s"), (0.42, "0.4 s"), (9.96, "10 s"), (42.4, "42 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")],
    )
    def test_read_well(self, value: float | None, text: str) -> None:
        assert house.seconds(value) == text


class TestUndoId:
    @pytest.mark.parametrize(("tags", "found"), [("", ""), ("undo:session_1", "session_1"), ("safe undo:x", "x"), ("other", "")])
    def test_is_found_in_the_tags(self, tags: str, found: str) -> None:
        assert house.undo_id(Message(20, "x", tags)) == found
