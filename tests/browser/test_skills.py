"""The skills of an agent, named in a message by keys, by the mouse, and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import turn
from tests.browser.conftest import Visit
from tests.browser.scenes import Stage

pytestmark = pytest.mark.browser


@pytest.fixture
def page(stage: Stage, visit: Visit) -> Page:
    context = visit()
    stage.let_in(context, "owner")
    page = context.new_page()
    page.goto("/agentos/chat/curator/")
    return page


def expect_chosen(page: Page, name: str) -> None:
    chosen = page.locator("#composer-skills [aria-selected=true]")
    expect(chosen).to_contain_text(f"/{name}")
    expect(page.locator("#message")).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")


def test_are_listed_by_a_slash_and_named_by_keys_alone(page: Page):
    box, skills = page.locator("#message"), page.locator("#composer-skills")
    box.press_sequentially("Please /")
    expect(skills.locator("[role=option]:visible")).to_have_count(2)
    expect_chosen(page, "archive-letters")
    page.keyboard.press("ArrowDown")
    expect_chosen(page, "wall-texts")
    page.keyboard.press("ArrowDown")
    expect_chosen(page, "archive-letters")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Please /archive-letters ")
    expect(skills).to_be_hidden()
    expect(box).to_be_focused()
    page.keyboard.type("write")
    page.keyboard.press("Enter")
    expect(turn(page, 1).locator(".said")).to_contain_text("Please /archive-letters write")


def test_are_found_by_what_is_typed(page: Page):
    box, skills = page.locator("#message"), page.locator("#composer-skills")
    box.press_sequentially("/wall")
    expect_chosen(page, "wall-texts")
    page.keyboard.press("Escape")
    expect(skills).to_be_hidden()
    expect(box).to_have_value("/wall")
    box.press_sequentially("-zzz")
    expect(skills).to_be_hidden()
    box.fill("and/or")
    expect(skills).to_be_hidden()


def test_that_are_written_out_do_not_keep_the_message(page: Page):
    page.locator("#message").press_sequentially("/wall-texts")
    expect_chosen(page, "wall-texts")
    page.keyboard.press("Enter")
    expect(turn(page, 1).locator(".said")).to_contain_text("/wall-texts")


def test_are_named_by_the_mouse(page: Page):
    box = page.locator("#message")
    box.press_sequentially("/")
    page.locator("#composer-skills [role=option]").nth(1).click()
    expect(box).to_have_value("/wall-texts ")
    expect(box).to_be_focused()


def test_are_plain_words_without_javascript(stage: Stage, visit: Visit):
    context = visit(java_script_enabled=False)
    stage.let_in(context, "owner")
    page = context.new_page()
    page.goto("/agentos/chat/curator/")
    expect(page.locator("#composer-skills")).to_be_hidden()
    page.locator("#message").fill("/wall-texts please")
    page.locator("#send").click()
    expect(turn(page, 1).locator(".said")).to_contain_text("/wall-texts please")
