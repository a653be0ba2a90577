"""Somebody asks for a locked agent, and its team's owner lets them in."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_focus_kept
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser


def test_a_locked_agent_can_be_asked_for_and_opens(page: Page, visit: Visit, person: Person):
    page.goto("/agentos/agents/")
    page.locator("#ask-support-writer").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#agent-support-writer")).to_contain_text("You asked for it just now")
    page.goto("/agentos/chat/support-writer/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Support Writer is not open to you")

    owner = visit().new_page()
    owner.goto("/sign-in/?next=/agentos/settings/access/")
    owner.get_by_label("E-mail address").fill("owner@example.com")
    owner.get_by_label("Password").fill("demo")
    owner.get_by_role("button", name="Sign in", exact=True).click()
    row = owner.locator(".row-card", has_text=person.email)
    row.get_by_role("button", name="Add to team Support").click()
    expect(owner.locator("#notices")).to_contain_text("is in the team Support now")

    page.goto("/agentos/chat/support-writer/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Support Writer")


def test_asking_needs_no_javascript(visit: Visit, person: Person):
    page = visit(person, java_script_enabled=False).new_page()
    page.goto("/agentos/agents/")
    page.locator("#ask-analyst").click()
    expect(page.locator("#closed")).to_contain_text("You asked for it just now")


def test_the_focus_is_not_lost_with_the_button(page: Page):
    page.goto("/agentos/agents/")
    page.locator("#ask-researcher").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#agent-researcher")).to_contain_text("You asked")
    expect_focus_kept(page)
