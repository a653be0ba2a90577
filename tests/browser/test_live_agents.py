"""What an operator changes shows in open pages, without a reload and without a word taken from who types there."""

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acting import hide, show, wait_for_stream
from tests.browser.server import Person, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WITHIN = 10_000  # ms
LOAN = 8_000  # ms: as in seed.py
LIVE_SCRIPT = re.compile(r"/js/stream\b")
LATE = 0.5  # seconds
LET_GO = "() => document.getElementById('live')._htmx?.sse?.reader === null"


def stay(page: Page) -> None:
    """Leave a mark that a reload takes away."""
    wait_for_stream(page)
    page.evaluate("window.stayed = true")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def put_away(page: Page) -> None:
    hide(page)
    page.wait_for_function(LET_GO)


def continue_late(route: Route) -> None:
    time.sleep(LATE)
    route.continue_()


class TestAgentsPage:
    def test_follows_and_leaves_the_search_alone(self, page: Page, server: Server):
        page.goto("/agentos/agents/")
        stay(page)
        page.locator("#agent-search").press_sequentially("newco")
        expect(page.get_by_role("heading", name="No agents match")).to_be_visible()
        server.seed("open", "newcomer")
        expect(page.locator("#agent-newcomer")).to_be_visible(timeout=WITHIN)
        expect(page.locator("#agent-list .card:not(.locked)")).to_have_count(1)
        expect(page.locator("#agent-search")).to_be_focused()
        page.keyboard.type("mer")
        expect(page.locator("#agent-search")).to_have_value("newcomer")
        expect(page).to_have_url(re.compile(r"\?q=newcomer$"))
        server.seed("close", "newcomer")
        expect(page.locator("#agent-newcomer")).to_have_count(0, timeout=WITHIN)
        assert has_stayed(page)

    @pytest.mark.parametrize("agent", ["boomerang", "latecomer"])
    def test_that_was_put_away_shows_what_came_back_meanwhile(self, page: Page, server: Server, agent: str):
        """Also on a slow line: htmx could open the stream before our script is there, which has to know its request."""
        if agent == "latecomer":
            page.route(LIVE_SCRIPT, continue_late)
        server.seed("open", agent)
        page.goto("/agentos/agents/")
        stay(page)
        server.seed("close", agent)
        expect(page.locator(f"#agent-{agent}")).to_have_count(0, timeout=WITHIN)
        put_away(page)
        server.seed("open", agent)
        show(page)
        expect(page.locator(f"#agent-{agent}")).to_be_visible(timeout=WITHIN)
        assert has_stayed(page)

    def test_locks_a_card_when_the_time_of_a_subscription_is_over(self, page: Page, person: Person, server: Server):
        server.seed("lend", person.email)
        page.goto("/agentos/agents/")
        stay(page)
        chat = page.context.new_page()
        chat.goto("/agentos/chat/loan/")
        stay(chat)
        server.seed("limit", person.email)
        expect(page.locator("#agent-loan:not(.locked)")).to_be_visible()
        expect(page.locator(".locked-agents")).to_contain_text("Loan", timeout=LOAN + WITHIN)
        expect(chat.locator("#composer.closed")).to_be_visible(timeout=WITHIN)
        expect(chat.locator("#notices")).to_contain_text("Your agent Loan was closed.")
        assert has_stayed(page)
        assert has_stayed(chat)


class TestDashboard:
    def test_follows(self, page: Page, server: Server):
        page.goto("/agentos/")
        stay(page)
        server.seed("open", "another")
        expect(page.locator("#agent-another")).to_be_visible(timeout=WITHIN)
        server.seed("close", "another")
        expect(page.locator("#agent-another")).to_have_count(0, timeout=WITHIN)
        assert has_stayed(page)


class TestComposer:
    def test_closes_with_its_agent_and_opens_again_with_what_was_written(self, page: Page, server: Server):
        server.seed("open", "wanderer")
        page.goto("/agentos/chat/wanderer/")
        page.locator("#message").fill("Hello")
        page.locator("#send").click()
        page.wait_for_url("**/agentos/session/*/*")
        expect(page.locator(".turn")).to_have_attribute("data-status", "completed")
        stay(page)
        page.locator("#message").press_sequentially("Half a thou")
        server.seed("close", "wanderer")
        expect(page.locator("#composer.closed")).to_be_visible(timeout=WITHIN)
        expect(page.locator("#notices")).to_contain_text("Your agent Wanderer was closed.")
        expect(page.locator(".turn .retry")).to_have_count(0)
        server.seed("open", "wanderer")
        expect(page.locator("#message")).to_have_value("Half a thou", timeout=WITHIN)
        assert has_stayed(page)
        page.locator("#message").press("Enter")
        expect(page.locator(".turn")).to_have_count(2)
        expect(page.locator(".turn").last).to_have_attribute("data-status", "completed")

    def test_that_was_put_away_is_what_a_fresh_page_shows(self, page: Page, server: Server):
        server.seed("open", "pendulum")
        page.goto("/agentos/chat/pendulum/")
        page.locator("#message").fill("Hello")
        page.locator("#send").click()
        page.wait_for_url("**/agentos/session/*/*")
        stay(page)
        server.seed("close", "pendulum")
        expect(page.locator("#composer.closed")).to_be_visible(timeout=WITHIN)
        put_away(page)
        server.seed("open", "pendulum")
        show(page)
        expect(page.locator("#message")).to_be_visible(timeout=WITHIN)
        assert has_stayed(page)

    def test_of_a_page_that_came_closed_closes_again_when_it_was_put_away(self, page: Page, server: Server):
        server.seed("open", "swing")
        page.goto("/agentos/chat/swing/")
        page.locator("#message").fill("Hello")
        page.locator("#send").click()
        page.wait_for_url("**/agentos/session/*/*")
        server.seed("close", "swing")
        page.reload()
        expect(page.locator("#composer.closed")).to_be_visible()
        stay(page)
        server.seed("open", "swing")
        expect(page.locator("#message")).to_be_visible(timeout=WITHIN)
        put_away(page)
        server.seed("close", "swing")
        show(page)
        expect(page.locator("#composer.closed")).to_be_visible(timeout=WITHIN)
        assert has_stayed(page)
