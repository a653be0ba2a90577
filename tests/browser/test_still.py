"""What stands round an answer stands still while it grows, and its last line is in sight all the time."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import start_chat, turn

pytestmark = pytest.mark.browser

# Whenever the turns have grown, just before that is painted and after the page's own scripts have seen it: where the sidebar
# begins, where the composer ends, and how much of the page is below the screen.
WATCH = """
window.painted = [];
addEventListener("DOMContentLoaded", () => {
  let turns = null;
  const place = (id, edge) => document.getElementById(id).getBoundingClientRect()[edge];
  const look = () => {
    const below = document.documentElement.scrollHeight - innerHeight - scrollY;
    painted.push([place("sidebar", "top"), place("composer", "bottom") - innerHeight, below]);
  };
  new MutationObserver(() => {
    const found = document.getElementById("turns");
    if (!found || found === turns) return;
    turns = found;
    new ResizeObserver(look).observe(turns);
  }).observe(document.body, { childList: true, subtree: true });
});
"""


def test_the_frame_stands_still_while_an_answer_grows(page: Page):
    page.add_init_script(WATCH)
    start_chat(page, "tour", "Show me around")
    expect(turn(page)).to_have_attribute("data-status", "completed")
    painted = page.evaluate("painted")
    assert page.evaluate("scrollY") > 400
    assert len(painted) > 20
    for sidebar, composer, below in painted:
        assert abs(sidebar) < 1
        assert abs(composer) < 1
        assert abs(below) < 1


def test_a_page_that_fits_does_not_scroll(page: Page):
    page.goto("/agentos/chat/tour/")
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0
