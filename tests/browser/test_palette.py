"""Ctrl+K by keys alone, and that every shortcut of the page of shortcuts does what it says."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_focus_kept, expect_status, start_chat
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser


def open_palette(page: Page) -> None:
    page.locator("#main").focus()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-text")).to_be_focused()


def expect_chosen(page: Page, words: str) -> None:
    chosen = page.locator("#overlay [aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text(words)
    expect(page.locator("#palette-text")).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")


class TestPalette:
    def test_goes_to_an_agent_by_keys_alone(self, page: Page):
        page.goto("/agentos/")
        open_palette(page)
        expect_chosen(page, "New chat")
        page.keyboard.press("ArrowUp")  # round to the last one, and on to the first
        page.keyboard.press("ArrowDown")
        expect_chosen(page, "New chat")
        page.keyboard.type("parrot")
        expect_chosen(page, "Parrot")
        page.keyboard.press("Enter")
        page.wait_for_url("**/chat/parrot/")

    def test_takes_enter_before_it_has_found(self, page: Page):
        page.goto("/agentos/")
        open_palette(page)
        page.keyboard.type("api tok")
        page.keyboard.press("Enter")
        page.wait_for_url("**/settings/tokens/")

    def test_searches_in_chats_for_what_has_no_such_name(self, page: Page):
        page.goto("/agentos/")
        open_palette(page)
        page.keyboard.type("zebra")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sessions/?q=zebra")

    def test_acts_on_the_open_chat(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        open_palette(page)
        page.keyboard.type("pin")
        expect_chosen(page, "Pin this chat")
        page.keyboard.press("Enter")
        expect(page.locator("#overlay")).to_be_hidden()
        expect(page.locator("#sidebar-list .group-name").first).to_have_text("Pinned")
        expect_focus_kept(page)
        open_palette(page)
        page.keyboard.type("rename")
        expect_chosen(page, "Rename this chat")
        page.keyboard.press("Enter")
        expect(page.locator("#rename-title")).to_be_focused()
        page.keyboard.press("Escape")
        open_palette(page)
        page.keyboard.type("delete")
        expect_chosen(page, "Delete this chat")
        page.keyboard.press("Enter")
        page.wait_for_url("**/agentos/")
        expect(page.locator("#notices")).to_contain_text("was deleted")

    def test_leaves_text_fields_alone(self, page: Page):
        page.goto("/agentos/chat/quick/")
        page.locator("#message").fill("Hello")
        for keys in ("Control+k", "Meta+k"):
            page.keyboard.press(keys)
        expect(page.locator("#message")).to_be_focused()
        expect(page.locator("#overlay")).to_be_hidden()

    def test_closes_with_escape_and_gives_the_focus_back(self, page: Page):
        page.goto("/agentos/")
        page.locator("#new-chat").focus()
        page.keyboard.press("Meta+k")
        expect(page.locator("#palette-text")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#overlay")).to_be_hidden()
        expect(page.locator("#new-chat")).to_be_focused()

    def test_is_told_to_a_screen_reader_as_a_combobox(self, page: Page):
        page.goto("/agentos/")
        open_palette(page)
        expect(page.get_by_role("dialog", name="Go to, or do")).to_be_visible()
        expect(page.get_by_role("combobox", name="A chat, agent, setting or action")).to_be_focused()
        expect(page.get_by_role("option", name="New chat", exact=True)).to_have_attribute("aria-selected", "true")


class TestShortcuts:
    def test_need_no_javascript(self, visit: Visit, person: Person):
        page = visit(person, java_script_enabled=False).new_page()
        page.goto("/agentos/")
        page.locator("#account summary").click()
        page.get_by_role("link", name="Keyboard shortcuts").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Keyboard shortcuts")

    def test_do_what_the_page_says(self, page: Page):
        """Those that have another test here or in test_keys are named only."""
        page.goto("/agentos/shortcuts/")
        shown = {" ".join(text.split()) for text in page.locator("#shortcuts dt:visible").all_text_contents()}
        tried: dict[str, tuple[str, Callable[[], None]]] = {
            "Ctrl K": ("Control+k", lambda: expect(page.locator("#palette-text")).to_be_focused()),
            "/": ("/", lambda: expect(page.locator("#search")).to_be_focused()),
            "?": ("?", lambda: expect(page.locator("#overlay")).to_be_visible()),
            "Ctrl Shift O": ("Control+Shift+O", lambda: page.wait_for_url(lambda url: "shortcuts" not in url)),
        }
        elsewhere = {"↑ ↓", "Esc", "Enter", "Shift Enter"}
        assert shown == set(tried) | elsewhere
        for keys, expect_it in tried.values():
            page.goto("/agentos/shortcuts/")
            page.locator("#main").focus()
            page.keyboard.press(keys)
            expect_it()
