"""Tests of an agent, from an answer that is kept to what turned green, as an owner of a team does it in a browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, start_chat
from tests.browser.conftest import Visit
from tests.browser.scenes import Stage

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit: Visit, stage: Stage) -> Page:
    context = visit()
    stage.let_in(context, "owner")
    return context.new_page()


def test_an_answer_is_kept_run_and_told_without_a_reload(page: Page, stage: Stage):
    start_chat(page, stage.names["DRAFT"], "Dear Ada, hello")
    expect_status(page, "completed", 1)
    page.get_by_role("link", name="Keep as a test: answer 1").click()
    expect(page.locator("#test-message")).to_have_value("Dear Ada, hello")
    page.get_by_label("The answer says").fill("dear ada")
    page.get_by_label("A model judges").fill("Dear Ada")
    page.get_by_role("button", name="Save test").click()
    row = page.locator(".tests-table tbody tr", has_text="Dear Ada, hello")
    expect(row).to_contain_text("Not run")
    page.locator("#run-all").click()
    page.wait_for_load_state()
    page.evaluate("document.body.dataset.stays = 'yes'")
    expect(page.locator("#run-all")).to_be_visible()
    expect(row.locator(".outcome.passed")).to_have_count(1)
    assert page.evaluate("document.body.dataset.stays") == "yes"
    row.locator(".outcome.passed").click()
    expect(page.locator(".finding")).to_have_count(2)
    expect(page.locator(".finding").last).to_contain_text("A script looked for the words")


def test_a_suggestion_is_taken_and_another_one_dropped(page: Page, stage: Stage):
    page.goto(f"/agentos/workshop/agent/{stage.names['DRAFT']}/")
    page.locator("#begin > summary").click()
    page.locator("#ask-starters").click()
    page.locator("#suggested-starters").fill("Write to Bob")
    page.locator("#take-starters").click()
    expect(page.locator("#draft-starters")).to_have_value("Write to Bob")
    expect(page.locator("#draft-starters")).to_be_focused()
    expect(page.locator("#suggested-starters")).to_have_count(0)
    before = page.locator("#draft-instructions").input_value()
    page.locator("#ask-instructions").click()
    page.locator("#drop-instructions").click()
    expect(page.locator("#suggested-instructions")).to_have_count(0)
    expect(page.locator("#draft-instructions")).to_have_value(before)


def test_a_draft_is_saved_by_itself_and_what_was_tried_stays(page: Page, stage: Stage):
    page.goto(f"/agentos/workshop/agent/{stage.names['DRAFT']}/")
    page.locator("#try-box").fill("Dear Ada, hello")
    page.locator("#try-send").click()
    expect(page.locator("#turn-1[data-status=completed]")).to_be_visible()
    page.locator("#draft-description").fill("Writes letters.")
    expect(page.locator("#draft-bar .saved")).to_contain_text("Saved")
    expect(page.locator("#draft-state")).to_contain_text("just now")
    page.locator("#tools > summary").click()
    page.locator("#draft-name").fill("")
    page.locator("#save-draft").click()
    expect(page.locator("#draft-state")).to_contain_text("just now")
    expect(page.locator("#tools")).to_have_attribute("open", "")
    expect(page.locator("#turn-1")).to_be_visible()
    page.locator("#draft-name").fill("Letter Helper")
    with page.expect_response(lambda answer: "Letter" in (answer.request.post_data or "")):
        page.locator("#save-draft").click()
    page.reload()
    expect(page.locator("#draft-description")).to_have_value("Writes letters.")
    expect(page.locator("#draft-name")).to_have_value("Letter Helper")


def test_two_tabs_do_not_save_over_each_other(page: Page, stage: Stage):
    where = f"/agentos/workshop/agent/{stage.names['DRAFT']}/"
    page.goto(where)
    other = page.context.new_page()
    other.goto(where)
    other.locator("#draft-description").fill("Of the other tab.")
    expect(other.locator("#draft-state")).to_contain_text("just now")
    page.bring_to_front()
    page.locator("#draft-instructions").fill("Of this tab.")
    expect(page.locator("#draft-bar .saved")).to_contain_text("changed elsewhere")
    page.locator("#save-draft").click()
    expect(page.locator("#save-error")).to_contain_text("What differs")
    expect(page.locator("#draft-instructions")).to_have_value("Of this tab.")
    page.locator("#save-draft").click()
    expect(page.locator("#draft-bar .saved")).to_contain_text("Saved")
    expect(page.locator("#save-error")).to_have_count(0)
