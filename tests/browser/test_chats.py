"""The list of chats, and a chat that is very long."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acting import expect_status, start_chat, turn, wait_for_stream
from tests.browser.conftest import Visit
from tests.browser.server import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def chat(page: Page) -> Page:
    """A tab with a chat in it."""
    start_chat(page, "quick", "About walnuts")
    expect_status(page, "completed")
    return page


def choose(page: Page, name: str) -> None:
    page.locator("#session-menu").click()
    page.locator("#menu").get_by_role("button", name=name, exact=True).click()


class TestTitle:
    def test_of_the_model_comes_into_every_tab(self, page: Page):
        other = page.context.new_page()
        other.goto("/agentos/")
        wait_for_stream(other)
        start_chat(page, "titled", "Hello")
        expect(page.locator("#chat-header h1")).to_have_text("A Title by the Script")
        expect(page).to_have_title("A Title by the Script · AgentOS")
        for tab in (page, other):
            expect(tab.locator("#sidebar-list .row .title")).to_have_text("A Title by the Script")
        expect(page.locator(".turn")).to_have_count(1)
        expect(page.locator(".notice")).to_have_count(0)


class TestMenu:
    def test_renames_a_chat_everywhere(self, chat: Page):
        chat.locator("#session-menu").click()
        chat.locator("#rename-title").fill("Nuts")
        chat.locator("#rename-save").click()
        expect(chat.locator("#chat-header h1")).to_have_text("Nuts")
        expect(chat.locator("#sidebar-list .row .title")).to_have_text("Nuts")
        expect(chat.locator("#menu")).to_be_hidden()
        expect(chat).to_have_title("Nuts · AgentOS")

    def test_says_when_a_title_is_too_long(self, chat: Page):
        chat.locator("#session-menu").click()
        chat.locator("#rename-title").fill("x" * 201)
        chat.locator("#rename-save").click()
        expect(chat.locator("#rename-error")).to_contain_text("200")
        expect(chat.locator("#rename-title")).to_have_value("x" * 201)

    def test_pins_and_unpins(self, chat: Page):
        choose(chat, "Pin")
        expect(chat.locator("#sidebar-list .group-name")).to_have_text("Pinned")
        choose(chat, "Unpin")
        expect(chat.locator("#sidebar-list .group-name")).to_have_text("Today")

    def test_archives_and_brings_back(self, chat: Page):
        choose(chat, "Archive")
        expect(chat.locator("#sidebar-list .row")).to_have_count(0)
        expect(turn(chat)).to_be_visible()
        choose(chat, "Bring back from the archive")
        expect(chat.locator("#sidebar-list .row")).to_have_count(1)

    def test_deletes_and_takes_it_back(self, chat: Page):
        choose(chat, "Delete")
        expect(chat).to_have_url(re.compile(r"/agentos/$"))
        expect(chat.locator("#notices")).to_contain_text("was deleted")
        expect(chat.locator("#sidebar-list .row")).to_have_count(0)
        chat.get_by_role("button", name="Undo").click()
        expect(chat.locator("#sidebar-list .row .title")).to_have_text("About walnuts")
        chat.locator("#sidebar-list .row > a").first.click()
        expect(turn(chat)).to_be_visible()


class TestSidebar:
    def test_finds_chats_while_one_types(self, chat: Page):
        start_chat(chat, "quick", "About almonds")
        chat.locator("#search").press_sequentially("walnut")
        expect(chat.locator("#sidebar-results .row")).to_have_count(1)
        expect(chat.locator("#sidebar-results .row .title")).to_have_text("About walnuts")
        chat.locator("#search").fill("nothing like that")
        expect(chat.locator("#sidebar-results")).to_contain_text("No chats match")
        chat.locator("#search").fill("")
        expect(chat.locator("#sidebar-results .row")).to_have_count(0)
        expect(chat.locator("#sidebar-list .row").first).to_be_visible()

    def test_hears_of_a_chat_that_another_tab_opened(self, chat: Page):
        second = chat.context.new_page()
        second.goto("/agentos/")
        start_chat(chat, "quick", "About almonds")
        expect(second.locator("#sidebar-list .row .title").first).to_have_text("About almonds")


def wait_for_held(page: Page, held: list[Route]) -> None:
    """Until the page has asked for what is held back."""
    if not held:
        page.wait_for_event("request", lambda request: "/turns/" in request.url)


class TestLongChat:
    def test_opens_on_its_last_turns_and_loads_older_ones_above_the_line_that_one_reads(self, visit: Visit, server: Server):
        page = visit(server.reader).new_page()
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/turns/?before=*", hold)
        page.goto(f"/agentos/session/{server.reader.chat}/")
        expect(page.locator(".turn")).to_have_count(30)
        expect(turn(page, 1000)).to_be_in_viewport()
        page.locator("#turns").hover()
        page.mouse.wheel(0, -100_000)
        page.wait_for_function("() => scrollY === 0")
        top = "document.querySelector('.turn[aria-label=\"Turn 971\"]').getBoundingClientRect().top"
        line = page.evaluate(top)
        wait_for_held(page, held)
        held.pop().continue_()
        expect(page.locator(".turn")).to_have_count(60)
        expect(turn(page, 941)).to_be_attached()
        assert abs(page.evaluate(top) - line) <= 2


class TestSearch:
    @pytest.fixture
    def reading(self, visit: Visit, server: Server) -> Page:
        """The tab of somebody with a long chat, where the sidebar has found its fifth question."""
        page = visit(server.reader).new_page()
        page.goto("/agentos/")
        page.locator("#search").fill('"question 500"')
        expect(page.locator("#sidebar-results .excerpt")).to_have_text("Question 500")
        return page

    def test_leads_to_the_turn(self, reading: Page):
        reading.locator("#sidebar-results .row > a").first.click()
        found = turn(reading, 500)
        expect(found).to_be_focused()
        expect(found).to_be_in_viewport()
        assert 0 <= found.bounding_box()["y"] <= 200  # type: ignore[index]
        expect(reading.locator(".turn.found")).to_have_count(1)
        expect(reading.locator(".turn.found")).to_have_count(0)
        reading.get_by_role("link", name="Go to the latest").click()
        expect(turn(reading, 1000)).to_be_in_viewport()

    def test_leads_to_the_turn_from_the_palette_too(self, reading: Page):
        reading.locator("#main").focus()
        reading.keyboard.press("Control+k")
        expect(reading.locator("#palette-text")).to_be_focused()
        reading.keyboard.type('"question 400"')
        expect(reading.locator("#palette-results")).to_have_attribute("data-text", '"question 400"')
        reading.keyboard.press("Enter")
        expect(turn(reading, 400)).to_be_focused()
        expect(turn(reading, 400)).to_be_in_viewport()

    def test_leads_there_without_scripts(self, reading: Page, visit: Visit, server: Server):
        page = visit(server.reader, java_script_enabled=False).new_page()
        page.goto(str(reading.locator("#sidebar-results .row > a").first.get_attribute("href")))
        expect(turn(page, 500)).to_be_in_viewport()
        expect(page.locator(".turn:target")).to_have_id("turn-500")

    def test_leads_to_a_version_that_is_not_chosen(self, chat: Page):
        chat.locator("#turn-1-edit > summary").click()
        chat.locator("#turn-1-edited").fill("About hazels")
        chat.locator("#turn-1-edit-send").click()
        expect(turn(chat).locator(".said-text")).to_have_text("About hazels")
        expect_status(chat, "completed")
        chat.locator("#search").fill("walnuts")
        chat.locator("#sidebar-results .row > a").first.click()
        expect(turn(chat).locator(".said-text")).to_have_text("About walnuts")
        expect(chat.locator("#message")).to_have_count(0)
        chat.get_by_role("button", name="Use this version").click()
        expect(chat.locator("#message")).to_be_visible()
        expect(turn(chat).locator(".said-text")).to_have_text("About walnuts")
        assert "run=" not in chat.url
