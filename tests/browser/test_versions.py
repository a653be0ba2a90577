"""Versions of a message and of its answer: edited in place, tried again, switched between."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, send, shown_turns, start_chat, turn, wait_for_stream

pytestmark = pytest.mark.browser


@pytest.fixture
def chat(page: Page) -> Page:
    start_chat(page, "quick", "First question")
    expect_status(page, "completed")
    send(page, "Second question")
    expect(turn(page, 2)).to_have_attribute("data-status", "completed")
    wait_for_stream(page)
    return page


class TestEdit:
    def test_opens_in_the_place_of_the_message_with_the_caret_at_its_end(self, chat: Page):
        chat.locator("#turn-1-edit > summary").click()
        field = chat.locator("#turn-1-edited")
        expect(field).to_be_focused()
        expect(turn(chat).locator(".said-text")).to_be_hidden()
        chat.keyboard.type(", said better")
        expect(field).to_have_value("First question, said better")
        width = "element => element.getBoundingClientRect().width"
        assert field.evaluate(width) > 0.9 * turn(chat).evaluate(width)

    def test_is_taken_back_by_cancel_and_by_escape(self, chat: Page):
        summary = chat.locator("#turn-1-edit > summary")
        for _ in range(2):
            summary.press("Enter")
            expect(chat.locator("#turn-1-edited")).to_be_focused()
            chat.keyboard.press("Escape")
            expect(summary).to_be_focused()
            expect(turn(chat).locator(".said-text")).to_have_text("First question")
        summary.click()
        expect(summary).to_contain_text("Cancel")
        summary.click()
        expect(turn(chat).locator(".said-text")).to_be_visible()

    def test_makes_a_version_that_one_can_leave_again(self, chat: Page):
        before = shown_turns(chat)
        chat.locator("#turn-1-edit > summary").click()
        chat.locator("#turn-1-edited").fill("Another question")
        chat.locator("#turn-1-edit-send").click()
        expect(turn(chat).locator(".said-text")).to_have_text("Another question")
        expect(turn(chat, 2)).to_have_count(0)
        expect_status(chat, "completed")
        expect(turn(chat).get_by_role("group", name="Versions of message 1")).to_contain_text("2 / 2")
        chat.get_by_role("button", name="Previous version of message 1").click()
        expect(turn(chat).locator(".said-text")).to_have_text("First question")
        expect(turn(chat, 2)).to_be_visible()
        assert [text for text in before if "Second" in text] == [text for text in shown_turns(chat) if "Second" in text]
        live = shown_turns(chat)
        chat.reload()
        assert shown_turns(chat) == live


class TestTryAgain:
    def test_keeps_the_answer_that_was_there(self, chat: Page):
        chat.locator("#turn-2-retry").click()
        versions = turn(chat, 2).get_by_role("group", name="Versions of answer 2")
        expect(versions).to_contain_text("2 / 2")
        chat.get_by_role("button", name="Previous version of answer 2").press("Enter")
        expect(versions).to_contain_text("1 / 2")
        send(chat, "Third question")
        expect(turn(chat, 3)).to_have_attribute("data-status", "completed")
        chat.get_by_role("button", name="Next version of answer 2").click()
        expect(versions).to_contain_text("2 / 2")
        expect(turn(chat, 3)).to_have_count(0)
