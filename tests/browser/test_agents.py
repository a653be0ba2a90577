"""The page of agents: found while one types, and honest about those that are locked."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


class TestSearch:
    def test_narrows_the_cards_while_one_types_and_keeps_the_url_in_step(self, page: Page):
        page.goto("/agentos/agents/")
        page.locator("#agent-search").press_sequentially("parro")
        expect(page.locator("#agent-list .card:not(.locked)")).to_have_count(1)
        expect(page.locator("#agent-parrot")).to_be_visible()
        expect(page).to_have_url(re.compile(r"/agentos/agents/\?q=parro$"))
        expect(page.locator("#agent-search")).to_be_focused()
        page.reload()
        expect(page.locator("#agent-search")).to_have_value("parro")
        expect(page.locator("#agent-list .card:not(.locked)")).to_have_count(1)

    def test_that_finds_nothing_offers_to_clear_itself(self, page: Page):
        page.goto("/agentos/agents/")
        page.locator("#agent-search").press_sequentially("nobody is called that")
        expect(page.get_by_role("heading", name="No agents match")).to_be_visible()
        page.locator("#clear-filters").click()
        expect(page).to_have_url(re.compile(r"/agentos/agents/$"))
        expect(page.locator("#agent-parrot")).to_be_visible()
        expect(page.locator("#agent-search")).to_have_value("")

    def test_takes_filters_too(self, page: Page):
        page.goto("/agentos/agents/")
        page.locator(".chip:visible", has=page.locator("input[name=capability]")).first.click()
        expect(page).to_have_url(re.compile(r"\?capability=\w+$"))
        expect(page.locator("#agent-parrot")).to_have_count(0)
        page.reload()
        expect(page.locator("input[name=capability]:checked")).to_have_count(1)
        expect(page.locator("#agent-parrot")).to_have_count(0)


class TestLockedCards:
    def test_say_what_opens_them_and_lead_nowhere(self, page: Page):
        page.goto("/agentos/agents/")
        expect(page.locator("#agent-analyst.locked .why")).to_contain_text("Pro")
        expect(page.locator("#agent-support-writer.locked .why")).to_contain_text("Support")
        expect(page.locator(".card.locked a")).to_have_count(0)
        expect(page.locator("#agent-list")).not_to_contain_text("Use the calculator for every calculation")
