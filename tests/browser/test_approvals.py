"""An agent that asks before it acts: answered from any tab, by keys alone, and after the server has been away."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_focus_kept, expect_status, shown_turns, start_chat, tab_to, text_of, turn, wait_for_stream
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SENT = "no letter to Ada was sent"


class TestApproval:
    def test_is_given_in_another_tab_after_a_restart(self, page: Page, server: Server):
        start_chat(page, "careful", "Write to Ada")
        expect_status(page, "waiting")
        wait_for_stream(page)
        server.stop()
        server.start()
        second = page.context.new_page()
        second.goto(page.url)
        expect(turn(second).locator(".asks .arguments")).to_contain_text("Hello.")
        second.get_by_role("button", name="Approve").click()
        for tab in (page, second):
            expect_status(tab, "completed")
            expect(turn(tab).locator(".asks")).to_have_count(0)
            expect(turn(tab).locator(".tool")).to_have_count(1)
            expect(turn(tab).locator(".tool summary")).to_contain_text("You approved")
            assert SENT in text_of(tab)
        assert shown_turns(second) == shown_turns(page)

    def test_is_refused_with_a_note_by_keys_alone(self, page: Page):
        start_chat(page, "careful", "Write to Ada")
        expect_status(page, "waiting")
        tab_to(page, ".asks input[name^=note]")
        page.keyboard.type("Not today")
        tab_to(page, ".asks button[value=no]")
        page.keyboard.press("Enter")
        expect_status(page, "completed")
        assert SENT not in text_of(page)
        expect(turn(page).locator(".tool summary")).to_contain_text("You refused")
        expect(turn(page).locator(".failed")).to_have_count(0)
        expect_focus_kept(page)

    def test_is_the_next_stop_of_tab_with_what_it_decides(self, page: Page):
        start_chat(page, "careful", "Write to Ada")
        expect_status(page, "waiting")
        wait_for_stream(page)
        expect(page.locator("#message")).to_be_focused()
        page.keyboard.press("Tab")
        approve = turn(page).get_by_role("button", name="Approve")
        expect(approve).to_be_focused()
        expect(approve).to_have_accessible_description(re.compile("wants to call .*Hello", re.DOTALL))


class TestForm:
    def test_is_the_next_stop_of_tab(self, page: Page):
        start_chat(page, "curious", "Plan a trip")
        expect_status(page, "waiting")
        wait_for_stream(page)
        page.keyboard.press("Tab")
        expect(turn(page).get_by_label("City")).to_be_focused()

    def test_keeps_what_was_typed_while_the_server_was_away(self, page: Page, server: Server):
        start_chat(page, "curious", "Plan a trip")
        expect_status(page, "waiting")
        wait_for_stream(page)
        form = turn(page).locator(".asks")
        form.get_by_label("City").fill("Rome")
        form.get_by_label("Nights").fill("3")
        server.stop()
        expect(page.locator("#offline")).to_be_visible()
        server.start()
        wait_for_stream(page)
        expect(page.locator("#offline")).to_be_hidden()
        expect(form.get_by_label("City")).to_have_value("Rome")
        expect(form.get_by_label("Nights")).to_have_value("3")

    def test_says_what_is_wrong_at_its_field_and_keeps_what_was_typed(self, page: Page):
        start_chat(page, "curious", "Plan a trip")
        expect_status(page, "waiting")
        wait_for_stream(page)
        form = turn(page).locator(".asks")
        form.get_by_label("Nights").fill("1e999")
        form.get_by_role("button", name="Send answer").click()
        city, nights = form.get_by_label("City"), form.get_by_label("Nights")
        expect(city).to_have_accessible_description(re.compile("City is missing."))
        expect(city).to_be_focused()
        expect(nights).to_have_accessible_description(re.compile("Nights must be a whole number."))
        expect(nights).to_have_value("1e999")
        expect(city).to_have_attribute("aria-invalid", "true")
        city.fill("Rome")
        nights.fill("3")
        form.get_by_role("button", name="Send answer").click()
        expect_status(page, "completed")
        expect(turn(page).locator(".tool pre").last).to_contain_text("nights: 3")
