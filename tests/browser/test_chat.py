"""A chat with one tab: from the first message to what happens when an answer fails."""

import pytest
from playwright.sync_api import Page, expect

from agentos.chat.actions import QUEUE_LIMIT
from tests.browser.acting import (
    answer,
    expect_status,
    send,
    shown_turns,
    start_chat,
    text_of,
    turn,
    wait_for_stream,
    wait_for_words,
    words_of,
)

pytestmark = pytest.mark.browser

TOO_LONG = "x" * 32_001


class TestFirstMessage:
    def test_is_answered_word_by_word_and_stays(self, page: Page):
        start_chat(page, "steady", "How do I begin?")
        wait_for_words(page, 1)
        assert turn(page).get_attribute("data-status") == "running"
        expect(page.locator("#sidebar-list .row .title")).to_have_text("How do I begin?")
        expect(page.locator("#chat-header h1")).to_have_text("How do I begin?")
        expect_status(page, "completed")
        assert text_of(page) == words_of(200)
        expect(turn(page).locator(".facts")).to_contain_text("tokens")
        expect(turn(page).locator(".facts")).to_have_css("display", "block")  # one line, and no list of facts as in the inbox
        before = shown_turns(page)
        page.reload()
        assert shown_turns(page) == before


class TestDraft:
    def test_goes_along_to_another_agent(self, page: Page):
        page.goto("/agentos/chat/quick/")
        page.locator("#message").fill("Half a thought")
        page.locator("#agent-picker summary").click()
        page.locator("#agent-picker").get_by_role("link", name="Parrot").click()
        page.wait_for_url("**/chat/parrot/")
        expect(page.locator("#message")).to_have_value("Half a thought")
        page.goto("/agentos/chat/quick/")
        expect(page.locator("#message")).to_have_value("")

    def test_of_indented_code_is_shown_as_it_was_written(self, page: Page):
        start_chat(page, "parrot", "    return total")
        expect_status(page, "completed")
        assert turn(page).locator(".said-text").text_content() == "    return total"
        expect(turn(page).locator(".said-text")).to_have_css("white-space", "pre-wrap")
        expect(page.locator("#turn-1-edited")).to_have_value("    return total")


class TestLiveTab:
    @pytest.mark.parametrize("agent", ["tour", "quick", "broken"])
    def test_shows_what_a_freshly_loaded_one_shows(self, page: Page, agent: str):
        start_chat(page, agent, "Show me **everything** & <more>.")
        expect(turn(page)).to_have_attribute("data-status", "failed" if agent == "broken" else "completed")
        wait_for_stream(page)
        send(page, "And once more.")
        expect(turn(page, 2)).to_have_attribute("data-status", "failed" if agent == "broken" else "completed")
        live = shown_turns(page)
        fresh = page.context.new_page()
        fresh.goto(page.url.partition("#")[0])
        assert shown_turns(fresh) == live


class TestComposer:
    def test_keeps_its_draft_over_a_reload(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.locator("#message").press_sequentially("Half a thou")
        page.reload()
        expect(page.locator("#message")).to_have_value("Half a thou")
        page.locator("#send").click()
        expect(turn(page, 2)).to_be_visible()
        page.reload()
        expect(turn(page, 2)).to_be_visible()
        expect(page.locator("#message")).to_have_value("")

    def test_keeps_a_message_that_is_too_long_and_says_why(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        send(page, TOO_LONG)
        expect(page.locator("#composer-error")).to_contain_text("32,000")
        expect(page.locator("#message")).to_have_value(TOO_LONG)
        expect(page.locator("#message")).to_be_focused()
        expect(page.locator(".turn")).to_have_count(1)

    def test_says_that_it_is_too_long_until_it_is_short_enough(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        send(page, TOO_LONG)
        box, error = page.locator("#message"), page.locator("#composer-error")
        expect(error).to_be_visible()
        box.fill(TOO_LONG + "x")
        expect(error).to_be_visible()
        expect(box).to_have_attribute("aria-invalid", "true")
        box.fill("x" * 32_000)
        expect(error).to_have_count(0)
        expect(box).not_to_have_attribute("aria-invalid", "true")

    def test_says_that_too_many_wait_until_fewer_do(self, page: Page):
        start_chat(page, "silent", "Hello")
        for number in range(QUEUE_LIMIT):
            send(page, f"Again {number}")
            expect(page.locator(".turn")).to_have_count(number + 2)
        send(page, "Once more")
        expect(page.locator("#composer-error")).to_be_visible()
        page.get_by_role("button", name="Stop answer 1").click()
        expect_status(page, "running", 2)
        expect(page.locator("#composer-error")).to_have_count(0)
        expect(page.locator("#message")).to_have_value("Once more")

    def test_says_that_too_many_came_until_the_time_is_over(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        composer = page.locator("#composer").evaluate("element => element.outerHTML")
        refused = composer.replace("<div", '<p id="composer-error" class="error" data-seconds="1">Too many.</p><div', 1)
        answer = {"status": 429, "headers": {"HX-Reswap": "outerHTML"}, "content_type": "text/html", "body": refused}
        page.route("**/session/*/", lambda route: route.fulfill(**answer) if route.request.method == "POST" else route.continue_())
        with page.expect_response(lambda response: response.status == 429):
            send(page, "Again")
        page.wait_for_function("() => document.getElementById('composer-error')")
        expect(page.locator("#composer-error")).to_have_count(0)

    def test_does_not_send_an_empty_message(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        send(page, "   ")
        expect(page.locator("#composer-error")).to_contain_text("Write a message first")
        page.reload()
        expect(page.locator(".turn")).to_have_count(1)

    def test_takes_shift_enter_as_a_new_line(self, page: Page):
        page.goto("/agentos/chat/parrot/")
        box = page.locator("#message")
        box.press_sequentially("one")
        box.press("Shift+Enter")
        box.press_sequentially("two")
        expect(box).to_have_value("one\ntwo")
        box.press("Enter")
        expect(turn(page).locator(".said-text")).to_have_text("one\ntwo", use_inner_text=True)


class TestFailedAnswer:
    def test_says_what_went_wrong_and_can_be_tried_again(self, page: Page):
        start_chat(page, "broken", "Hello")
        expect_status(page, "failed")
        expect(turn(page).locator(".ended.failed")).to_be_visible()
        first = turn(page).get_attribute("data-revision")
        turn(page).get_by_role("button", name="Try again: answer 1").click()
        expect(turn(page)).not_to_have_attribute("data-revision", first or "")
        expect_status(page, "failed")
        expect(page.locator(".turn")).to_have_count(1)
        expect(answer(page)).to_contain_text(words_of(5))


class TestQueuedMessage:
    def test_is_shown_as_queued_and_gives_its_text_back_when_it_is_withdrawn(self, page: Page):
        start_chat(page, "silent", "First")
        expect(answer(page)).to_contain_text(words_of(4))
        send(page, "Second")
        expect_status(page, "queued", 2)
        expect(turn(page, 2)).to_contain_text("Waiting for its turn")
        page.get_by_role("button", name="Withdraw message 2").click()
        expect(turn(page, 2)).to_have_count(0)
        expect(page.locator("#message")).to_have_value("Second")
        page.reload()
        expect(page.locator(".turn")).to_have_count(1)

    def test_starts_by_itself_when_its_turn_comes(self, page: Page):
        start_chat(page, "silent", "First")
        expect(answer(page)).to_contain_text(words_of(4))
        send(page, "Second")
        expect_status(page, "queued", 2)
        page.get_by_role("button", name="Stop answer 1").click()
        expect_status(page, "stopped", 1)
        expect_status(page, "running", 2)
