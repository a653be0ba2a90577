"""Tags and filters of every template."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.messages.storage.base import Message
from django.template import Context, Template
from django.templatetags.i18n import TranslateNode
from django.utils import timezone, translation

from agentos.access.models import RightsVersion, User
from agentos.core import clock
from agentos.core.templatetags import agentos as library

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
        assert library.monogram(name) == letters

    def test_keeps_its_colour_when_the_name_changes(self) -> None:
        one, other = library.tile("Old name", "agent-1"), library.tile("New name", "agent-1")
        assert one.split('"')[1] == other.split('"')[1]

    def test_never_trusts_a_name(self) -> None:
        assert "<b>" not in library.tile("<b> <i>", "x", "<b>")


class TestTimes:
    def test_show_the_time_of_today_and_the_date_of_other_days(self) -> None:
        assert ">10:42</time>" in library.clock_time(NOW.replace(hour=10, minute=42))
        assert ">3 Nov, 10:42</time>" in library.clock_time(NOW.replace(day=3, hour=10, minute=42))
        assert library.clock_time(None) == ""

    @pytest.mark.parametrize(
        ("ago", "text"),
        [(timedelta(seconds=59), "just now"), (timedelta(minutes=5), "5\xa0minutes ago"), (timedelta(40), "1\xa0month ago")],
    )
    def test_are_told_in_one_unit(self, ago: timedelta, text: str) -> None:
        assert f">{text}</time>" in library.ago(NOW - ago)

    def test_are_those_of_the_zone_of_whoever_looks(self) -> None:
        for zone, shown in (("UTC", "10:42"), ("Asia/Kathmandu", "16:27"), ("UTC", "10:42")):
            with timezone.override(ZoneInfo(zone)):
                assert f", {shown}" in library.clock_time(NOW.replace(hour=10, minute=42))
                assert f">{shown}</time>" in library.clock_time(NOW.replace(hour=10, minute=42))

    def test_carry_the_exact_moment(self) -> None:
        assert 'datetime="2026-11-22T12:00:00+00:00" title="22 November 2026, 12:00"' in library.ago(NOW)


class TestSeconds:
    @pytest.mark.parametrize(
        ("value", "text"),
        [(None, ""), (0.004, "under 0.1 s"), (0.42, "0.4 s"), (9.96, "10 s"), (42.4, "42 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")],
    )
    def test_read_well(self, value: float | None, text: str) -> None:
        assert library.seconds(value) == text


class TestUndoId:
    @pytest.mark.parametrize(("tags", "found"), [("", ""), ("undo:session_1", "session_1"), ("safe undo:x", "x"), ("other", "")])
    def test_is_found_in_the_tags(self, tags: str, found: str) -> None:
        assert library.undo_url(Message(20, "x", tags)) == found


class TestSentences:
    """``{% translate %}``: Django's own, but that what never changes is looked up once a language."""

    def test_are_said_in_the_language_of_whoever_looks(self) -> None:
        page = Template('{% translate "Close" %}')
        for language, word in (("en", "Close"), ("de", "Schließen"), ("en", "Close"), ("fr", "Fermer")):
            with translation.override(language):
                assert page.render(Context()) == word

    def test_are_looked_up_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        page = Template('{% translate "Close" %}{% translate "100% <b>" %}')
        first = page.render(Context())
        monkeypatch.setattr(TranslateNode, "render", lambda node, context: "looked up")
        assert page.render(Context()) == first == "Close100% <b>"

    def test_that_are_not_constant_are_looked_up_every_time(self) -> None:
        page = Template('{% translate word %}{% translate "May" context "abbrev. month" as may %}{{ may }}{% translate "A"|lower %}')
        assert page.render(Context({"word": "<"})) + page.render(Context({"word": ">"})) == "&lt;Maya&gt;Maya"


class TestPlacesOfTheProject:
    def test_are_found_by_name_or_as_they_are_written(self, settings: Any) -> None:
        assert library.sign_out_url() == "/sign-out/"
        settings.AGENTOS_SIGN_OUT_URL = "/leave/"
        assert library.sign_out_url() == "/leave/"

    @pytest.mark.parametrize("url", ["", "a-view-that-there-is-not"])
    def test_may_be_missing(self, settings: Any, url: str) -> None:
        settings.AGENTOS_SIGN_OUT_URL = url
        assert library.sign_out_url() == ""

    def test_are_pages_of_the_admin_where_it_has_them(self) -> None:
        assert library.admin_page(User(pk=7)) == "/admin/access/user/7/change/"
        assert library.admin_page(RightsVersion(pk=7)) == ""
