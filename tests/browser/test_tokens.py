"""API tokens, made, copied and revoked by a person."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser

TOKEN = re.compile(r"^agentos_[0-9A-Za-z]{36}$")


def create(page: Page, name: str) -> str:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("agents:read").check()
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#new-token-text")).to_have_text(re.compile(r"agentos_"))
    return page.locator("#new-token-text").inner_text().strip()


class TestTokens:
    def test_are_made_shown_once_and_revoked(self, page: Page):
        page.goto("/agentos/")
        page.locator("#account summary").click()
        page.get_by_role("link", name="Settings").click()
        page.get_by_role("link", name="API tokens").click()
        secret = create(page, "Laptop")
        assert TOKEN.match(secret)
        expect(page.locator("#new-token")).to_be_focused()
        expect(page.locator("#new-token")).to_be_in_viewport()
        page.get_by_role("button", name="Copy").click()
        expect(page.locator("#new-token-copy")).to_have_text("Copied")
        page.reload()
        expect(page.locator("#new-token")).to_have_count(0)
        assert secret not in page.content()
        page.get_by_text("Revoke…").click()
        page.get_by_role("button", name="Revoke Laptop").click()
        expect(page.locator(".row-card.over")).to_contain_text("revoked")

    def test_keep_what_was_written_when_something_is_missing(self, page: Page):
        page.goto("/agentos/settings/tokens/")
        page.get_by_label("Name", exact=True).fill("Laptop")
        page.get_by_role("button", name="Create token").click()
        expect(page.locator("#id_scopes_error")).to_be_visible()
        expect(page.get_by_label("Name", exact=True)).to_have_value("Laptop")

    def test_work_without_javascript(self, visit: Visit, person: Person):
        page = visit(person, java_script_enabled=False).new_page()
        page.goto("/agentos/settings/tokens/")
        assert TOKEN.match(create(page, "Plain"))
        page.goto("/agentos/settings/tokens/")
        page.get_by_text("Revoke…").click()
        page.get_by_role("button", name="Revoke Plain").click()
        expect(page.locator(".row-card.over")).to_contain_text("revoked")
