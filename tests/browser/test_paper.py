"""A chat on paper."""

import itertools
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, send, start_chat, turn
from tests.browser.conftest import Visit
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CODE = "```python\n" + "\n".join(f"print({number})" for number in range(30)) + "\n```"
LONG = "\n".join(f"Line {number}" for number in range(200))


class TestPaper:
    def test_shows_only_the_chat_in_ink_also_of_a_dark_page(self, page: Page):
        page.emulate_media(color_scheme="dark")
        start_chat(page, "parrot", f"Look:\n\n{CODE}")
        expect_status(page, "completed")
        page.emulate_media(media="print", color_scheme="dark")
        for selector in ("#sidebar", "#composer", "#jump", ".actions", ".copy-code", "#theme", "#session-menu"):
            expect(page.locator(selector).first).to_be_hidden()
        expect(page.locator("#chat-header h1")).to_be_visible()
        expect(turn(page).locator(".said-text").last).to_contain_text("print(29)")
        expect(turn(page).locator(".said-text").last).to_be_visible()
        colours = "element => [getComputedStyle(element).color, getComputedStyle(element).backgroundColor]"
        assert page.locator("body").evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        expect(turn(page).locator(".answer-parts .code").first).to_have_css("break-inside", "avoid")
        expect(turn(page).locator(".answer-parts .code pre").first).to_have_css("white-space", "pre-wrap")

    def test_has_no_gaps_where_there_are_buttons_on_the_screen(self, page: Page):
        start_chat(page, "tour", "Show me around")
        expect_status(page, "completed")
        page.set_viewport_size({"width": 680, "height": 960})  # a sheet
        page.emulate_media(media="print")
        expect(page.locator("#chat-header .model")).to_be_visible()
        calls = [fold.bounding_box() for fold in turn(page).locator(".fold-line").all()]
        assert len(calls) == 3
        for above, below in itertools.pairwise(calls):
            assert above
            assert below
            assert below["y"] - above["y"] - above["height"] < 8
            assert above["height"] < 28
        said, answer = turn(page).locator(".said-text").bounding_box(), turn(page).locator(".answer").bounding_box()
        assert said
        assert answer
        assert answer["y"] - said["y"] - said["height"] < 32

    def test_has_every_turn_of_a_long_chat(self, visit: Visit, server: Server):
        page = visit(server.reader).new_page()
        page.goto(f"/agentos/session/{server.reader.chat}/")
        expect(turn(page, 1000)).to_be_in_viewport()
        before = page.evaluate("scrollY")
        pdf = page.pdf()
        expect(page.locator(".turn")).to_have_count(1000)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 20
        expect(turn(page, 1)).to_be_attached()
        assert page.evaluate("scrollY") >= before
        expect(turn(page, 1000)).to_be_in_viewport()
        expect(turn(page, 1).locator(".copy-code")).to_have_count(0)

    def test_has_the_whole_of_a_long_message(self, page: Page):
        start_chat(page, "quick", LONG)
        expect_status(page, "completed")
        send(page, "More")
        expect_status(page, "completed", 2)
        expect(turn(page).locator(".said-text", has_text="Line 199")).to_be_hidden()
        page.emulate_media(media="print")
        expect(turn(page).locator(".said-text", has_text="Line 199")).to_be_visible()
        page.emulate_media(media="screen")
        expect(turn(page).locator(".said-text", has_text="Line 199")).to_be_hidden()
