"""What an operator changes shows in open pages, without a reload and without a word taken from who types there."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import wait_for_stream
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WITHIN = 10_000  # ms


def stay(page: Page) -> None:
    """Leave a mark that a reload takes away."""
    wait_for_stream(page)
    page.evaluate("window.stayed = true")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


class TestAgentsPage:
    def test_follows_and_leaves_the_search_alone(self, page: Page, server: Server):
        page.goto("/agentos/agents/")
        stay(page)
        page.locator("#agent-search").press_sequentially("newco")
        expect(page.get_by_role("heading", name="No agent of yours matches that")).to_be_visible()
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
