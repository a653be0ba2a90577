"""An agent that searches the web and reads a page: what is shown of it, and what is asked before it goes where nobody sent it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, start_chat, text_of, turn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

ASKED = """Find out how green tea is brewed.

web_search {"query": "green tea"}

fetch_page {"url": "https://rehearsal.example/tea"}

say Green tea takes **two minutes** in water of 80 degrees, says [a rehearsal](https://rehearsal.example/tea)."""

ASTRAY = """multiply {"a": 6, "b": 7}

fetch_page {"url": "https://elsewhere.example/?told={{1}}"}"""


class TestTurn:
    def test_shows_what_was_searched_and_read(self, page: Page) -> None:
        start_chat(page, "surfer", ASKED)
        expect_status(page, "completed")
        for name in ("Web search", "Fetch page"):
            call = turn(page).locator(".tool", has_text=name)
            expect(call).to_have_count(1)
            call.locator("summary").click()
        expect(turn(page).locator(".tool", has_text="Web search")).to_contain_text("Address: https://rehearsal.example/tea")
        expect(turn(page).locator(".tool", has_text="Fetch page")).to_contain_text("Green tea wants water of **80 degrees**")
        assert "two minutes" in text_of(page)

    def test_asks_with_the_whole_address_before_the_eyes(self, page: Page) -> None:
        """And fails with a sentence when the answer is yes and nobody is there."""
        start_chat(page, "surfer", ASTRAY)
        expect_status(page, "waiting")
        expect(turn(page).locator(".asks .arguments")).to_contain_text("https://elsewhere.example/?told=42")
