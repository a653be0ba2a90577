"""The same pages in a browser that runs no script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import CHAT_URL, expect_status, text_of, turn, words_of
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser


@pytest.fixture
def plain_page(visit: Visit, person: Person) -> Page:
    return visit(person, java_script_enabled=False).new_page()


def open_plain_chat(page: Page, text: str, agent: str = "quick") -> None:
    page.goto(f"/agentos/chat/{agent}/")
    page.locator("#message").fill(text)
    page.locator("#send").click()
    expect(page).to_have_url(CHAT_URL)


def reload_until_answered(page: Page) -> None:
    """Ask again, as the page's own link offers, until the answer is whole."""
    for _ in range(50):
        if turn(page).get_attribute("data-status") not in {"queued", "running"}:
            return
        page.reload()


class TestWithoutJavascript:
    def test_one_signs_in(self, visit: Visit):
        page = visit(java_script_enabled=False).new_page()
        page.goto("/agentos/")
        page.get_by_label("E-mail address").fill("member@example.com")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello Marco")

    def test_one_sends_and_sees_the_answer_after_a_reload(self, plain_page: Page):
        open_plain_chat(plain_page, "Hello")
        reload_until_answered(plain_page)
        expect_status(plain_page, "completed")
        assert text_of(plain_page) == words_of(30)

    @pytest.mark.parametrize(("decision", "said"), [("Approve", "no letter to Ada was sent"), ("Refuse", "Not today")])
    def test_one_answers_what_an_agent_asks(self, plain_page: Page, decision: str, said: str):
        open_plain_chat(plain_page, "Write to Ada", agent="careful")
        reload_until_answered(plain_page)
        expect_status(plain_page, "waiting")
        expect(turn(plain_page).locator(".asks")).to_contain_text("Rehearsal letter")
        plain_page.get_by_label("A note, if you like.").fill("Not today")
        plain_page.get_by_role("button", name=decision).click()
        expect(plain_page).to_have_url(CHAT_URL)
        reload_until_answered(plain_page)
        expect_status(plain_page, "completed")
        expect(turn(plain_page).locator(".asks")).to_have_count(0)
        assert said in text_of(plain_page)

    def test_one_searches_agents_and_chats(self, plain_page: Page):
        open_plain_chat(plain_page, "About walnuts")
        plain_page.locator("#search").fill("walnut")
        plain_page.locator("#search").press("Enter")
        expect(plain_page.locator("#main .chats .row")).to_have_count(1)
        plain_page.goto("/agentos/agents/")
        plain_page.locator("#agent-search").fill("parrot")
        plain_page.locator("#agent-filters").get_by_role("button", name="Search").click()
        expect(plain_page.locator("#agent-list .card:not(.locked)")).to_have_count(1)

    def test_one_renames_pins_and_archives(self, plain_page: Page):
        page = plain_page
        open_plain_chat(page, "Hello")
        page.locator("#session-menu").click()
        page.get_by_label("Title").fill("Greetings")
        page.get_by_role("button", name="Rename").click()
        expect(page.locator("#chat-header h1")).to_have_text("Greetings")
        page.locator("#session-menu").click()
        page.get_by_role("button", name="Pin").click()
        expect(page.locator("#sidebar-list .group-name").first).to_have_text("Pinned")
        page.locator("#session-menu").click()
        page.get_by_role("button", name="Archive").click()
        expect(page.locator("#sidebar-list .row")).to_have_count(0)
        page.goto("/agentos/sessions/?archived=1")
        expect(page.locator("#main .chats .row .title")).to_have_text("Greetings")

    def test_one_deletes_and_takes_it_back(self, plain_page: Page):
        page = plain_page
        open_plain_chat(page, "Precious")
        page.locator("#session-menu").click()
        page.get_by_role("button", name="Delete").click()
        expect(page).to_have_url(re.compile(r"/agentos/sessions/$"))
        expect(page.locator("#main .chats .row")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(page).to_have_url(CHAT_URL)
        expect(turn(page).locator(".said-text")).to_have_text("Precious")
