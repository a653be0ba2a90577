"""Colours that the system forces, more contrast, and less motion: what a background or a colour said is said by lines."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import axe
from tests.browser.acting import start_chat, wait_for_words
from tests.browser.conftest import Visit
from tests.browser.scenes import Stage, filled
from tests.browser.server import Person

pytestmark = pytest.mark.browser

CHAT = "/agentos/session/CHAT/"
LINE = """
element => {
  const { outlineStyle, outlineWidth, outlineColor, borderTopStyle, borderTopWidth, borderTopColor } = getComputedStyle(element);
  return [[outlineStyle, outlineWidth, outlineColor].join(" "), [borderTopStyle, borderTopWidth, borderTopColor].join(" ")];
}
"""


@pytest.fixture
def forced(visit: Visit, stage: Stage) -> Page:
    context = visit(forced_colors="active", reduced_motion="reduce")
    stage.let_in(context, "owner")
    return context.new_page()


def lines(place: Locator) -> tuple[str, str]:
    """Return outline and border."""
    outline, border = place.evaluate(LINE)
    return outline, border


def is_drawn(line: str) -> bool:
    style, width, *_ = line.split()
    return style != "none" and float(width.removesuffix("px")) >= 1


def expect_marked(chosen: Locator, other: Locator) -> None:
    assert is_drawn(lines(chosen)[0])
    assert not is_drawn(lines(other)[0])


class TestForcedColours:
    @pytest.mark.parametrize(
        ("path", "chosen", "other"),
        [
            (CHAT, ".row:has([aria-current=page])", ".row:not(:has([aria-current=page]))"),
            (CHAT, "#turn-1-good[aria-pressed=true]", "#turn-1-bad"),
            ("/agentos/settings/usage/", ".settings-menu [aria-current=page]", ".settings-menu a:not([aria-current])"),
            ("/agentos/sessions/?archived=1", ".tabs [aria-current=page]", ".tabs a:not([aria-current])"),
            ("/agentos/agents/", ".sidebar .nav-link[aria-current=page]", ".sidebar .nav-link:not([aria-current])"),
            ("/agentos/agents/?tool=calculator", ".chip:has(:checked)", ".chip:not(:has(:checked))"),
        ],
    )
    def test_what_is_chosen_has_a_line(self, forced: Page, stage: Stage, path: str, chosen: str, other: str):
        forced.goto(filled(path, stage.names))
        expect_marked(forced.locator(chosen).first, forced.locator(other).first)

    def test_what_the_palette_would_choose_has_a_line(self, forced: Page):
        forced.goto("/agentos/")
        forced.locator("#main").focus()
        forced.keyboard.press("Control+k")
        expect(forced.locator("#overlay [aria-selected=true]")).to_be_visible()
        expect_marked(forced.locator("#overlay [aria-selected=true]"), forced.locator("#overlay [aria-selected=false]").first)

    def test_the_focus_has_a_ring_wherever_it_is(self, forced: Page, stage: Stage):
        forced.goto(filled(CHAT, stage.names))
        forced.locator("#main").focus()
        met = set()
        for _ in range(200):
            forced.keyboard.press("Tab")
            place = forced.locator(":focus")
            if not place.count():
                break  # past the end of the page
            where = place if place.get_attribute("id") != "message" else forced.locator(".composer-box")
            assert is_drawn(lines(where)[0]), place.evaluate("element => element.outerHTML.slice(0, 120)")
            met.add(place.evaluate("element => element.tagName"))
        assert {"A", "BUTTON", "SUMMARY", "TEXTAREA"} <= met

    def test_buttons_boxes_and_pictures_have_an_edge(self, forced: Page, stage: Stage):
        for path, things in (
            (CHAT, ".button:visible, .said-text:visible, .ended, .bar .tile"),
            ("/agentos/", ".button:visible, .card, .tile:visible"),
        ):
            forced.goto(filled(path, stage.names))
            for thing in forced.locator(things).all():
                assert is_drawn(lines(thing)[1]), thing.evaluate("element => element.outerHTML.slice(0, 120)")

    def test_small_shapes_are_seen(self, forced: Page, stage: Stage, visit: Visit, person: Person):
        forced.goto("/agentos/settings/usage/")
        fill, paper = forced.evaluate(
            "[getComputedStyle(document.querySelector('.chart')).fill, getComputedStyle(document.body).backgroundColor]"
        )
        assert fill != paper
        page = visit(person, forced_colors="active").new_page()
        start_chat(page, "silent", "Hello")
        wait_for_words(page, 4)
        assert page.locator(".pulse").evaluate("element => getComputedStyle(element).backgroundColor") not in {paper, "rgba(0, 0, 0, 0)"}
        edge = lines(page.locator("#sidebar-list .dot"))[1]
        assert is_drawn(edge)
        assert paper not in edge


class TestMoreContrast:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_is_seven_to_one(self, visit: Visit, stage: Stage, theme: str):
        context = visit(contrast="more", color_scheme=theme, reduced_motion="reduce")
        stage.let_in(context, "owner")
        page = context.new_page()
        found = []
        for path in (CHAT, "/agentos/", "/agentos/agents/", "/agentos/settings/usage/"):
            page.goto(filled(path, stage.names))
            found += [f"{path}: {complaint}" for complaint in axe.complaints(page, axe.SEVEN_TO_ONE)]
        assert not found, "\n".join(found)


class TestLessMotion:
    def test_nothing_moves(self, visit: Visit, person: Person):
        page = visit(person, reduced_motion="reduce").new_page()
        start_chat(page, "silent", "Hello")
        wait_for_words(page, 4)
        page.wait_for_function("() => document.getAnimations().every(({ playState }) => playState !== 'running')")
