"""What models write, in a real browser: live and loaded again, on a screen and on a phone."""

import itertools

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import answer, expect_status, shown_turns, start_chat, wait_for_stream
from tests.browser.conftest import Visit
from tests.browser.server import Person
from tests.browser.test_copy import ANSWERS

pytestmark = pytest.mark.browser

WIDE = "$$\n" + " + ".join(f"x_{{{number}}}^2" for number in range(60)) + "\n$$"
DEEP = "\n".join(f"{'  ' * level}- level {level} has words" for level in range(13))


def test_the_live_tab_shows_what_a_freshly_loaded_one_shows(page: Page):
    start_chat(page, "parrot", "\n\n".join([*ANSWERS.values(), WIDE, DEEP]))
    expect_status(page, "completed")
    wait_for_stream(page)
    live = shown_turns(page)
    fresh = page.context.new_page()
    fresh.goto(page.url.partition("#")[0])
    assert shown_turns(fresh) == live
    expect(answer(page).locator("math mtr")).to_have_count(2)


def test_a_footnote_leads_there_and_back(page: Page):
    start_chat(page, "parrot", f"Claim[^1].\n\n{'Many words. ' * 400}\n\n[^1]: The source.")
    expect_status(page, "completed")
    page.get_by_role("link", name="Footnote 1", exact=True).click()
    expect(answer(page).locator(".footnotes li")).to_be_in_viewport()
    page.get_by_role("link", name="Back to the text").click()
    expect(page.get_by_role("link", name="Footnote 1", exact=True)).to_be_in_viewport()


def test_on_a_phone_nothing_is_wider_than_the_screen(visit: Visit, person: Person):
    page = visit(person, viewport={"width": 390, "height": 800}).new_page()
    start_chat(page, "parrot", f"{WIDE}\n\n{DEEP}\n\n> [!NOTE]\n> {WIDE.splitlines()[1]}")
    expect_status(page, "completed")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector('.formula'))")
    deepest = answer(page).get_by_text("level 12 has words")
    box = deepest.bounding_box()
    assert box is not None
    assert box["width"] > 100


def test_a_task_cannot_be_clicked_and_has_a_name(page: Page):
    start_chat(page, "parrot", "- [ ] todo\n- [x] done")
    expect_status(page, "completed")
    expect(answer(page).get_by_role("checkbox", name="To do")).to_be_disabled()
    expect(answer(page).get_by_role("checkbox", name="Done")).to_be_disabled()
    expect(answer(page).get_by_role("checkbox", name="Done")).to_be_checked()


def test_what_follows_a_list_in_a_list_stands_no_further_away(page: Page):
    start_chat(page, "parrot", "- one\n- two\n  - inner\n- three")
    expect_status(page, "completed")
    tops = [box["y"] for item in answer(page).locator("li").all() if (box := item.bounding_box())]
    gaps = [round(after - before) for before, after in itertools.pairwise(tops)]
    assert max(gaps) - min(gaps) <= 1, gaps
