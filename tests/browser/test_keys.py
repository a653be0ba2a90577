"""Everything by keys alone, and a focus that is never lost."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import CHAT_URL, answer, expect_focus_kept, expect_status, send, start_chat, tab_to, turn, words_of
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


class TestKeys:
    def test_lead_from_the_sign_in_page_to_an_answer_and_stop_it(self, visit: Visit):
        page = visit().new_page()
        page.goto("/agentos/")
        expect(page.get_by_label("E-mail address")).to_be_focused()
        page.keyboard.type("stranger@example.com")
        page.keyboard.press("Tab")
        page.keyboard.type("demo")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello Sasha")
        tab_to(page, "#main a[href$='/agentos/agents/']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/agentos/agents/")
        tab_to(page, "#agent-search")
        page.keyboard.type("silent")
        expect(page.locator("#agent-list .card:not(.locked)")).to_have_count(1)
        tab_to(page, "#agent-silent a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/agentos/chat/silent/")  # and for its scripts: before them, Enter breaks the line
        expect(page.locator("#message")).to_be_focused()
        page.keyboard.type("Hello")
        page.keyboard.press("Enter")
        page.wait_for_url(CHAT_URL)
        expect(answer(page)).to_contain_text(words_of(4))
        tab_to(page, "[data-stop]")
        page.keyboard.press("Enter")
        expect_status(page, "stopped")
        expect_focus_kept(page)

    @pytest.mark.parametrize("path", ["/agentos/", "/agentos/agents/", "/agentos/chat/quick/", "/api/v1/agentos/docs/", "/nothing/"])
    def test_skip_to_what_the_page_is_about(self, page: Page, path: str):
        page.goto(path)
        page.locator(".skip").focus()
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("#main :focus")).to_have_count(1)

    def test_are_led_to_the_skip_link_first(self, page: Page):
        page.goto("/agentos/agents/")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()

    def test_open_the_search_and_the_list_of_keys(self, page: Page):
        page.goto("/agentos/")
        page.keyboard.press("/")
        expect(page.locator("#search")).to_be_focused()
        expect(page.locator("#search")).to_have_value("")
        page.keyboard.press("Tab")
        page.keyboard.press("?")
        expect(page.locator("#overlay")).to_be_visible()
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#overlay")).to_be_hidden()

    def test_type_what_they_say_while_one_writes(self, page: Page):
        page.goto("/agentos/chat/quick/")
        page.locator("#message").press_sequentially("what/why?")
        expect(page.locator("#message")).to_have_value("what/why?")
        expect(page.locator("#overlay")).to_be_hidden()

    def test_stop_an_answer_with_escape(self, page: Page):
        start_chat(page, "silent", "Hello")
        expect(answer(page)).to_contain_text(words_of(4))
        page.keyboard.press("Escape")
        expect_status(page, "stopped")


class TestFocus:
    def test_stays_in_the_composer_after_sending(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.locator("#message").fill("Again")
        page.locator("#message").press("Enter")
        expect(turn(page, 2)).to_be_visible()
        expect(page.locator("#message")).to_be_focused()
        expect_status(page, "completed", 2)
        expect(page.locator("#message")).to_be_focused()

    def test_stays_in_the_turn_after_a_retry_and_is_in_the_box_after_a_stop(self, page: Page):
        start_chat(page, "silent", "Hello")
        expect(answer(page)).to_contain_text(words_of(4))
        page.locator("[data-stop]").focus()
        page.keyboard.press("Enter")
        expect_status(page, "stopped")
        expect(page.locator("#message")).to_be_focused()
        turn(page).locator(".retry button").focus()
        page.keyboard.press("Enter")
        expect_status(page, "running")
        expect(turn(page).locator(":focus")).to_have_count(1)

    def test_goes_back_to_the_menus_button_after_a_rename(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.locator("#session-menu").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#rename-title")).to_be_focused()
        page.locator("#rename-title").fill("Greetings")
        page.keyboard.press("Enter")
        expect(page.locator("#chat-header h1")).to_have_text("Greetings")
        expect(page.locator("#session-menu")).to_be_focused()

    def test_is_not_lost_after_a_delete_in_the_sidebar(self, page: Page):
        start_chat(page, "quick", "First")
        start_chat(page, "quick", "Second")
        expect_status(page, "completed")
        page.locator("#sidebar-list .row", has_text="First").locator(".row-menu").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#rename-title")).to_be_focused()
        tab_to(page, "#delete")
        page.keyboard.press("Enter")
        expect(page.locator("#sidebar-list .row")).to_have_count(1)
        expect(page.locator("#menu")).to_be_hidden()
        expect_focus_kept(page)

    def test_is_not_lost_when_a_message_is_withdrawn(self, page: Page):
        start_chat(page, "silent", "First")
        send(page, "Second")
        page.get_by_role("button", name="Withdraw message 2").focus()
        page.keyboard.press("Enter")
        expect(turn(page, 2)).to_have_count(0)
        expect(page.locator("#message")).to_be_focused()


class TestEscape:
    def test_closes_what_was_opened_and_gives_the_focus_back(self, page: Page):
        page.goto("/agentos/chat/quick/")
        for fold in ("#account", "#agent-picker"):
            summary = page.locator(f"{fold} > summary")
            summary.focus()
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
            expect(page.locator(f"{fold} a:focus")).to_have_count(1)
            page.keyboard.press("Escape")
            expect(summary).to_be_focused()
            expect(page.locator(f"{fold} a").first).to_be_hidden()

    def test_leaves_the_running_answer_alone_when_it_closes_something(self, page: Page):
        start_chat(page, "silent", "Hello")
        expect(answer(page)).to_contain_text(words_of(4))
        page.locator("#account > summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(page.locator("#account a").first).to_be_hidden()
        expect_status(page, "running")

    def test_closes_the_list_of_shortcuts_that_says_its_name_first(self, page: Page):
        page.goto("/agentos/")
        page.locator("#new-chat").focus()
        page.keyboard.press("?")
        expect(page.locator("#overlay-title")).to_be_focused()
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.locator("#new-chat")).to_be_focused()


class TestPicker:
    def test_closes_when_one_goes_on(self, page: Page):
        page.goto("/agentos/chat/quick/")
        picker = page.locator("#agent-picker")
        picker.locator("summary").click()
        expect(picker.locator("a").first).to_be_visible()
        page.locator("#message").focus()
        expect(picker.locator("a").first).to_be_hidden()
