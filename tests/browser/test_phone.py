"""The same pages 390 pixels wide, under a thumb."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.acting import expect_status, start_chat
from tests.browser.conftest import Visit
from tests.browser.scenes import PHONE, SCENES, Stage
from tests.browser.server import Person

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 390, 844
TARGET = 44  # px
WIDE = "\n\n".join(
    [
        "| " + " | ".join(f"A wide column {number}" for number in range(12)) + " |\n|" + "---|" * 12 + "\n|" + " a cell |" * 12,
        "```python\n" + "x" * 200 + "\n```",
        "`" + "y" * 200 + "`",
        "z" * 300,
    ]
)


# Notes every painted state of the answer that shows a table as its model writes it.
WATCH_FOR_PIPES = """
window.piped = [];
const look = () => {
  const answer = document.querySelector(".turn:last-of-type .answer-parts");
  const words = answer ? document.createTreeWalker(answer, NodeFilter.SHOW_TEXT) : null;
  for (let text = words?.nextNode(); text; text = words.nextNode())
    if (text.data.includes("|") && !text.parentElement.closest("pre, code") && text.parentElement.checkVisibility()) piped.push(text.data);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@pytest.fixture
def phone(visit: Visit, person: Person) -> Page:
    return visit(person, viewport={"width": WIDTH, "height": HEIGHT}, is_mobile=True, has_touch=True).new_page()


def expect_no_sideways_scroll(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, f"{page.url} scrolls sideways."


def too_small(place: Locator) -> list[str]:
    """What can be pressed in there and is smaller than a fingertip."""
    small = []
    for target in place.locator(
        "button:visible, a:visible, input:visible:not(.sr-only), label:has(> .sr-only):visible, textarea:visible, summary:visible"
    ).all():
        box = target.bounding_box()
        assert box
        if box["height"] < TARGET - 0.5 or box["width"] < TARGET - 0.5:
            small.append(f"{target.evaluate('element => element.outerHTML.slice(0, 80)')} {box['width']}x{box['height']}")
    return small


class TestPhone:
    def test_shows_what_was_called_beside_a_long_note_about_it(self, stage: Stage, visit: Visit):
        context = visit(viewport=PHONE)
        stage.let_in(context, "owner")
        page = context.new_page()
        stage.play(page, next(scene for scene in SCENES if scene.name == "a chat, unfolded"))
        call = page.locator(".tool > summary").filter(has=page.locator("q")).last
        assert call.locator("b").evaluate("name => name.scrollWidth <= name.clientWidth")
        assert call.locator("q").evaluate("note => note.scrollWidth > note.clientWidth")
        assert call.bounding_box()["height"] <= TARGET  # type: ignore[index]

    def test_has_the_chats_in_a_drawer(self, phone: Page):
        start_chat(phone, "quick", "Hello")
        expect_status(phone, "completed")
        expect(phone.locator("#sidebar")).to_be_hidden()
        phone.locator("#drawer-open").tap()
        expect(phone.locator("#sidebar")).to_be_visible()
        expect(phone.locator("#sidebar .drawer-close")).to_be_focused()
        expect(phone.locator("#sidebar-list .row .title")).to_have_text("Hello")
        assert not too_small(phone.locator("#sidebar"))
        phone.locator("#sidebar .drawer-close").tap()
        expect(phone.locator("#sidebar")).to_be_hidden()
        expect(phone.locator("#drawer-open")).to_be_focused()
        phone.locator("#drawer-open").tap()
        phone.keyboard.press("Escape")
        expect(phone.locator("#sidebar")).to_be_hidden()

    def test_has_its_composer_in_sight_and_in_reach(self, phone: Page):
        start_chat(phone, "steady", "Hello")
        expect_status(phone, "completed")
        expect(phone.locator("#message")).to_be_in_viewport(ratio=1)
        expect(phone.locator("#send")).to_be_in_viewport(ratio=1)
        assert not too_small(phone.locator("#composer"))

    def test_folds_the_filters_and_says_whether_some_are_in_use(self, phone: Page):
        phone.goto("/agentos/agents/")
        button, facets = phone.get_by_role("button", name="Filters"), phone.locator("#facets .chip")
        expect(facets.first).to_be_hidden()
        expect(phone.locator("#agent-list .card").first).to_be_in_viewport()
        expect(button).to_have_accessible_name("Filters")
        button.tap()
        expect(button).to_have_attribute("aria-expanded", "true")
        phone.locator(".chip:visible", has=phone.locator("input[name=capability]")).first.tap()
        expect(phone.locator("#agent-list .card:not(.locked)")).to_have_count(1)
        button.tap()
        expect(facets.first).to_be_hidden()
        expect(button).to_have_accessible_name("Filters in use")

    def test_folds_the_menu_of_the_settings_that_stands_open_where_there_is_room(self, phone: Page):
        phone.goto("/agentos/settings/usage/")
        menu = phone.get_by_role("navigation", name="Settings")
        expect(menu).to_be_hidden()
        phone.get_by_text("All settings").tap()
        expect(menu.get_by_role("link", name="Usage")).to_have_attribute("aria-current", "page")
        assert too_small(menu) == []
        phone.set_viewport_size({"width": 1280, "height": HEIGHT})
        phone.reload()
        expect(phone.get_by_text("All settings")).to_be_hidden()
        menu.get_by_role("link", name="Memory").click()
        expect(menu.get_by_role("link", name="Memory")).to_have_attribute("aria-current", "page")

    def test_never_scrolls_sideways(self, phone: Page):
        for path in ("/agentos/", "/agentos/agents/", "/agentos/agents/?q=nothing", "/agentos/chat/hostile/", "/agentos/chat/nobody/"):
            phone.goto(path)
            expect_no_sideways_scroll(phone)
        start_chat(phone, "parrot", WIDE)
        expect_status(phone, "completed")
        expect(phone.locator("#turns table")).to_be_visible()
        expect_no_sideways_scroll(phone)
        for path in (f"{phone.url.partition('#')[0]}manage/", "/agentos/sessions/", "/agentos/sessions/?q=nothing", "/agentos/"):
            phone.goto(path)
            expect_no_sideways_scroll(phone)

    def test_never_shows_a_table_as_it_is_written(self, phone: Page):
        phone.add_init_script(WATCH_FOR_PIPES)
        start_chat(phone, "tour", "Show me around")
        expect_status(phone, "completed")
        expect(phone.locator("#turns table td").last).to_have_text("a key in the environment")
        assert phone.evaluate("window.piped") == []

    def test_never_scrolls_sideways_before_one_is_in(self, visit: Visit):
        page = visit(viewport={"width": WIDTH, "height": HEIGHT}, is_mobile=True, has_touch=True).new_page()
        page.goto("/sign-in/")
        expect_no_sideways_scroll(page)
        assert not too_small(page.locator("#sign-in"))
