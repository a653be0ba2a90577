"""A team in a chat: what each member does is folded under its name, and what one of them asks is answered there."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, shown_turns, start_chat, turn, wait_for_stream
from tests.browser.scenes import PHONE, WIDE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.parametrize("is_wide", [True, False])
def test_members_work_in_folds_and_ask(page: Page, is_wide: bool):
    page.set_viewport_size(WIDE if is_wide else PHONE)
    start_chat(page, "desk", "What do we owe Ada?")
    expect_status(page, "waiting")
    wait_for_stream(page)
    counter, post = turn(page).locator(".delegation").all()
    for member, name, task, state in ((counter, "Counter", "What do we owe Ada?", None), (post, "Post", "What do we owe Ada?", "waiting")):
        expect(member).not_to_have_attribute("open", "")
        expect(member.locator("> summary")).to_contain_text(name)
        expect(member.locator("> summary")).to_contain_text(task)
        if state:
            expect(member.locator("> summary")).to_contain_text(state)
    expect(counter.locator(".tool")).to_be_hidden()
    counter.locator("> summary").click()
    expect(counter.locator(".tool")).to_be_visible()
    expect(counter.locator(".prose").last).to_contain_text("The tool said: 425")
    expect(turn(page).locator(".asks legend")).to_have_text("Post wants to call Rehearsal letter")
    turn(page).get_by_role("button", name="Approve").click()
    expect_status(page, "completed")
    expect(post.locator("> summary")).not_to_contain_text("waiting")
    expect(counter).to_have_attribute("open", "")  # as it was left
    post.locator("> summary").click()
    expect(post.locator(".tool summary")).to_contain_text("You approved")
    expect(post.locator(".tool .arguments, .tool dl")).not_to_have_count(0)
    expect(turn(page).locator(".answer-parts > .prose").last).to_contain_text("The team said:")
    second = page.context.new_page()
    second.goto(page.url)
    expect_status(second, "completed")
    for fold in (counter, post):
        fold.locator("> summary").click()
    assert shown_turns(second) == shown_turns(page)  # live as a fresh page
