"""Many tabs of one person over HTTP/1.1, where a browser opens six connections to a host and no more."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.acting import expect_status, hide, show, start_chat, turn, wait_for_stream
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser

TABS = 8
LET_GO = "() => document.getElementById('live')._htmx?.sse?.reader === null"


class TestEightTabs:
    def test_leave_the_eighth_quick_to_answer(self, visit: Visit, person: Person):
        context = visit(person)
        first = context.new_page()
        start_chat(first, "quick", "Hello")
        expect_status(first, "completed")
        wait_for_stream(first)
        hide(first)
        first.wait_for_function(LET_GO)
        tabs = [first]
        for _ in range(TABS - 1):
            tab = context.new_page()
            tab.goto(first.url)
            wait_for_stream(tab)
            tabs.append(tab)
            if len(tabs) < TABS:
                hide(tab)
                tab.wait_for_function(LET_GO)
        eighth = tabs[-1]
        clicked = time.monotonic()
        eighth.locator("#session-menu").click()
        expect(eighth.locator("#rename-title")).to_be_visible()
        assert time.monotonic() - clicked < 1
        eighth.keyboard.press("Escape")
        eighth.locator("#message").fill("Again")
        eighth.locator("#send").click()
        expect_status(eighth, "completed", 2)
        assert turn(first, 2).count() == 0
        show(first)
        expect_status(first, "completed", 2)
