"""Notices: they cover nothing, and leave time to take something back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, start_chat
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# Everything that can be pressed and of which something else is found in its middle.
COVERED = """() => [...document.querySelectorAll("#main a, #main button, #main input, #main textarea")].filter((part) => {
  const { left, top, width, height } = part.getBoundingClientRect();
  if (!part.checkVisibility() || !width || top < 0 || top + height > innerHeight) return false;
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return found && !part.contains(found) && !found.contains(part);
}).map((part) => part.outerHTML)"""


def delete(page: Page) -> None:
    """Delete the first chat of the sidebar, from its menu there."""
    if not page.locator("#sidebar").is_visible():
        page.locator("#drawer-open").click()
    page.locator("#sidebar-list .row-menu").first.click()
    page.locator("#menu #delete").click()
    expect(page.locator("#notices")).to_contain_text("was deleted")


class TestNotice:
    @pytest.mark.parametrize("path", ["/agentos/", "/agentos/agents/", "/agentos/sessions/", "/agentos/settings/tokens/"])
    @pytest.mark.parametrize("width", [1280, 390])
    def test_covers_nothing_that_one_can_press(self, page: Page, path: str, width: int):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.goto("/agentos/agents/")
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path)
        delete(page)
        if page.locator("#sidebar .drawer-close").is_visible():
            page.locator("#sidebar .drawer-close").click()
        expect(page.locator(".notice .undo")).to_be_visible()
        assert page.evaluate(COVERED) == []

    def test_stays_while_the_pointer_or_the_focus_is_there(self, page: Page):
        page.clock.install()
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.goto("/agentos/")
        delete(page)
        undo = page.locator(".notice .undo")
        undo.hover()
        page.clock.run_for(30_000)
        expect(undo).to_be_visible()
        undo.focus()
        page.mouse.move(0, 0)
        page.clock.run_for(30_000)
        expect(undo).to_be_visible()
        page.evaluate("document.activeElement.blur()")
        page.clock.run_for(30_000)
        expect(undo).to_have_count(0)

    def test_of_a_server_that_is_away_goes_when_it_is_there_again(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.route("**/manage/", lambda route: route.abort())
        page.locator("#session-menu").click()
        expect(page.locator(".notice.error")).to_be_visible()
        page.unroute("**/manage/")
        page.locator("#session-menu").click()
        expect(page.locator("#rename-title")).to_be_visible()
        expect(page.locator(".notice.error")).to_have_count(0)


class TestDeleted:
    def test_chats_can_be_brought_back_from_their_list(self, page: Page):
        start_chat(page, "quick", "About walnuts")
        expect_status(page, "completed")
        page.goto("/agentos/sessions/")
        delete(page)
        page.get_by_role("link", name="Deleted").click()
        expect(page.locator("#main .row .title")).to_have_text("About walnuts")
        page.get_by_role("button", name="Bring back About walnuts").click()
        expect(page.locator("#main .row")).to_have_count(0)
        expect(page.locator("#notices")).to_contain_text("is back")
        expect(page.locator("#sidebar-list .row .title")).to_have_text("About walnuts")


class TestPhone:
    def test_has_fields_that_no_phone_zooms_into(self, visit: Visit, person: Person):
        page = visit(person, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True).new_page()
        start_chat(page, "careful", "Write")
        expect_status(page, "waiting")
        chat = page.url.partition("#")[0]
        for path in (chat, f"{chat}manage/", "/agentos/agents/", "/agentos/sessions/", "/agentos/settings/tokens/"):
            page.goto(path)
            sizes = page.locator("input:not([type=hidden]), textarea, select").evaluate_all(
                "fields => fields.map((field) => parseFloat(getComputedStyle(field).fontSize))"
            )
            assert min(sizes) >= 16
