"""What a person has chosen for themselves, in a browser."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from agentos.core import pictures
from tests.browser.acting import expect_status, start_chat, turn
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser

URL = "/agentos/settings/person/"


def choose(page: Page, *labels: str) -> None:
    page.goto(URL)
    for label in labels:
        page.get_by_label(label, exact=True).click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).to_contain_text("Saved.")


class TestColours:
    def test_go_with_the_person_to_another_browser(self, visit: Visit, person: Person):
        here, there = visit(person).new_page(), visit(person).new_page()
        there.goto("/agentos/")
        choose(here, "Dark")
        there.reload()
        expect(there.locator("html")).to_have_attribute("data-theme", "dark")
        with there.expect_response("**/settings/person/theme/") as kept:
            there.locator("[data-theme-switch]").click()
        assert kept.value.status == 204
        here.reload()
        expect(here.locator("html")).to_have_attribute("data-theme", "system")
        expect(here.get_by_role("radio", name="As the system")).to_be_checked()

    def test_need_no_javascript(self, visit: Visit, person: Person):
        page = visit(person, java_script_enabled=False).new_page()
        choose(page, "Dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


class TestEnter:
    def test_begins_a_line_when_it_does_not_send(self, page: Page):
        choose(page, "Enter sends the message")
        page.goto("/agentos/chat/quick/")
        expect(page.locator("#composer-hint")).to_have_text("Ctrl+Enter to send, Enter for a new line", use_inner_text=True)
        box = page.locator("#message")
        box.press_sequentially("One")
        box.press("Enter")
        box.press_sequentially("Two")
        expect(box).to_have_value("One\nTwo")
        box.press("Control+Enter")
        expect_status(page, "completed")
        expect(turn(page).locator(".said-text")).to_have_text("One\nTwo")

    def test_sends_until_somebody_wants_it_otherwise(self, page: Page):
        page.goto("/agentos/chat/quick/")
        expect(page.locator("#composer-hint")).to_have_text("Enter to send, Shift+Enter for a new line", use_inner_text=True)
        page.locator("#message").fill("One")
        page.locator("#message").press("Enter")
        expect_status(page, "completed")


class TestSpoken:
    def test_sentence_by_sentence_says_each_once_and_in_order(self, page: Page):
        choose(page, "Sentence by sentence, while it is written")
        start_chat(page, "parrot", "First things first. Is that so? Yes, and no full stop at the end")
        expect_status(page, "completed")
        lines = page.locator("#sentences p")
        expect(lines.last).to_contain_text("no full stop at the end")
        said = " ".join(lines.all_text_contents())
        assert [said.count(words) for words in ("First things first.", "Is that so?", "Yes, and no full stop")] == [1, 1, 1]
        page.reload()
        expect(lines).to_have_count(0)  # what has been read is not read again

    def test_done_says_that_an_answer_is_there(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect(page.locator("#spoken")).to_have_text("Quick has answered.")
        expect(page.get_by_role("status").filter(has_text="Quick has answered.")).to_have_count(1)


class TestPicture:
    def test_of_a_phone_is_made_small_before_it_is_sent(self, visit: Visit, person: Person, tmp_path: Path):
        taken = tmp_path / "me.png"
        Image.effect_noise((1600, 1200), 90).convert("RGB").save(taken)
        assert taken.stat().st_size > pictures.MOST_BYTES
        page = visit(person).new_page()
        page.goto(URL)
        page.get_by_label("Picture").set_input_files(taken)
        expect(page.get_by_label("Picture")).to_have_value(re.compile(r"picture\.webp$"))
        page.get_by_role("button", name="Use this picture").click()
        expect(page.locator("#notices")).to_contain_text("Saved.")
        expect(page.locator("#account img.tile")).to_be_visible()
        assert page.locator("#account img.tile").evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") == 256
        page.get_by_role("button", name="Remove picture").click()
        expect(page.locator("#account img.tile")).to_have_count(0)
