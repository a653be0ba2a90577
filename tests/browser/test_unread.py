"""What has come while nobody looked: marked in every tab, said in its title and icon, and gone when it is seen."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, start_chat, wait_for_stream
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NEWS = re.compile("icon-news")
ROW = "#sidebar-list .row"


@pytest.fixture
def home(page: Page) -> Page:
    """A tab that shows no chat."""
    page.goto("/agentos/")
    wait_for_stream(page)
    return page


def leave_a_question(home: Page, agent: str) -> None:
    """Write to an agent, as a program would: no tab shows the chat."""
    home.evaluate(
        """agent => fetch(`/agentos/chat/${agent}/`, {
          method: "POST",
          redirect: "manual",
          headers: JSON.parse(document.body.getAttribute("hx-headers:inherited")),
          body: new URLSearchParams({ message: "Hello" }),
        })""",
        agent,
    )


def expect_nothing_new(page: Page, title: str) -> None:
    expect(page.locator("[data-unseen]")).to_have_count(0)
    expect(page).to_have_title(title)
    expect(page.locator("link[rel=icon]")).not_to_have_attribute("href", NEWS)


class TestUnread:
    @pytest.mark.parametrize(("agent", "word"), [("quick", "unread"), ("careful", "waits for you"), ("broken", "failed")])
    def test_says_so_until_it_is_opened(self, home: Page, agent: str, word: str):
        leave_a_question(home, agent)
        expect(home.locator(f"{ROW}[data-unseen]")).to_have_count(1)
        expect(home.locator(ROW).get_by_role("link", name=re.compile(f", {word}$"))).to_be_visible()
        expect(home).to_have_title("(1) Dashboard · AgentOS")
        expect(home.locator("link[rel=icon]")).to_have_attribute("href", NEWS)
        other = home.context.new_page()
        other.goto(str(home.locator(f"{ROW} > a").first.get_attribute("href")))
        expect_nothing_new(other, "Hello · AgentOS")
        expect_nothing_new(home, "Dashboard · AgentOS")

    def test_is_nothing_that_a_tab_shows(self, home: Page):
        chat = home.context.new_page()
        start_chat(chat, "steady", "Hello")
        wait_for_stream(chat)
        expect_status(chat, "completed")
        expect(home.locator(f"{ROW} .dot")).to_have_count(0)
        expect_nothing_new(home, "Dashboard · AgentOS")
        expect_nothing_new(chat, "Hello · AgentOS")

    def test_needs_no_scripts(self, home: Page, visit: Visit, person: Person):
        leave_a_question(home, "quick")
        expect(home.locator(f"{ROW}[data-unseen]")).to_have_count(1)
        page = visit(person, java_script_enabled=False).new_page()
        page.goto("/agentos/")
        expect(page).to_have_title("(1) Dashboard · AgentOS")
        expect(page.locator("link[rel=icon]")).to_have_attribute("href", NEWS)
        page.locator(f"{ROW} > a").first.click()
        expect_nothing_new(page, "Hello · AgentOS")

    def test_is_said_on_the_button_of_a_phones_list(self, home: Page):
        mark = "() => getComputedStyle(document.querySelector('.drawer-open'), '::after').content"
        home.set_viewport_size({"width": 390, "height": 800})
        assert home.evaluate(mark) == "none"
        leave_a_question(home, "quick")
        expect(home.locator(f"{ROW}[data-unseen]")).to_have_count(1)
        assert home.evaluate(mark) != "none"
