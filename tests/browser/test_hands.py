"""What hands do while an answer comes: they scroll, go on typing, press Stop, leave the tab."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acting import (
    CHAT_URL,
    answer,
    expect_status,
    focused,
    hide,
    send,
    show,
    start_chat,
    tab_to,
    turn,
    wait_for_stream,
    wait_for_words,
    words_of,
)
from tests.browser.conftest import Visit
from tests.browser.server import Person, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# How far the end is below the screen in every painted state.
WATCH = """
window.below = [];
const look = () => {
  if (document.querySelector(".turn")) below.push(document.documentElement.scrollHeight - innerHeight - scrollY);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
BELOW = "document.documentElement.scrollHeight - innerHeight - scrollY"


@pytest.fixture
def growing(page: Page, server: Server) -> Iterator[Page]:
    """A chat whose answer is longer than the screen, and grows slowly."""
    server.seed("model", "lasting=scripted:300x100")
    page.set_viewport_size({"width": 1280, "height": 400})
    start_chat(page, "lasting", "Hello")
    page.wait_for_function("() => scrollY > 150")
    yield page
    page.locator("[data-stop]").click()


def expect_let_go(page: Page) -> None:
    """Where one has scrolled to is where one stays, while the answer grows by two lines."""
    expect(page.locator("#jump")).to_be_visible()
    page.wait_for_timeout(300)  # until a smooth scrolling has ended
    at, height = page.evaluate("[scrollY, document.documentElement.scrollHeight]")
    page.wait_for_function("height => document.documentElement.scrollHeight > height + 30", arg=height)
    assert page.evaluate("scrollY") == at
    assert page.evaluate(BELOW) > 30


class TestReader:
    def test_who_does_nothing_is_at_the_end_until_a_fast_answer_ends(self, page: Page, server: Server):
        server.seed("model", "fast=scripted:3000x1")
        page.set_viewport_size({"width": 1280, "height": 500})
        page.add_init_script(WATCH)
        start_chat(page, "fast", "Hello")
        expect_status(page, "completed")
        below = page.evaluate("below")
        assert len(below) > 30
        assert max(below) <= 2
        expect(page.locator("#jump")).to_be_hidden()

    def test_lets_go_with_a_small_turn_of_the_wheel(self, growing: Page):
        growing.locator("#turns").hover()
        growing.mouse.wheel(0, -40)
        expect_let_go(growing)
        growing.mouse.wheel(0, 10_000)
        expect(growing.locator("#jump")).to_be_hidden()
        height = growing.evaluate("document.documentElement.scrollHeight")
        growing.wait_for_function("height => document.documentElement.scrollHeight > height + 30", arg=height)
        assert growing.evaluate(BELOW) <= 2

    def test_lets_go_with_many_tiny_steps(self, growing: Page):
        growing.locator("#turns").hover()
        for _ in range(60):
            growing.mouse.wheel(0, -6)
            growing.wait_for_timeout(10)
        expect_let_go(growing)

    @pytest.mark.parametrize("place", ["in the box", "in the text"])
    @pytest.mark.parametrize("key", ["ArrowUp", "PageUp"])
    def test_lets_go_by_a_key(self, growing: Page, key: str, place: str):
        if place == "in the text":
            growing.evaluate("document.activeElement.blur()")
        growing.keyboard.press(key)
        expect_let_go(growing)

    def test_lets_go_with_a_bar_that_is_dragged(self, growing: Page):
        growing.evaluate("scrollBy({ top: -12, behavior: 'instant' })")  # what a headless browser has of it
        expect_let_go(growing)

    def test_lets_go_under_a_finger(self, visit: Visit, person: Person, server: Server):
        server.seed("model", "lasting=scripted:300x100")
        page = visit(person, viewport={"width": 390, "height": 500}, is_mobile=True, has_touch=True).new_page()
        start_chat(page, "lasting", "Hello")
        page.wait_for_function("() => scrollY > 150")
        line = page.context.new_cdp_session(page)
        line.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 150, "y": 200}]})
        for y in range(206, 266, 6):
            line.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": 150, "y": y}]})
        line.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect_let_go(page)
        page.locator("[data-stop]").tap()


class TestFirstMessage:
    def test_keeps_the_focus_and_every_letter_that_is_typed_on(self, page: Page):
        page.goto("/agentos/chat/steady/")
        expect(page.locator("#message")).to_be_focused()
        page.keyboard.type("Hello")
        page.keyboard.press("Enter")
        page.keyboard.type("and one more thing, while you write", delay=30)
        page.wait_for_url(CHAT_URL)
        expect(page.locator("#message")).to_be_focused()
        expect(page.locator("#message")).to_have_value("and one more thing, while you write")
        expect(page).to_have_title("Hello · AgentOS")
        wait_for_words(page, 20)
        page.keyboard.press("Enter")
        expect(turn(page, 2)).to_be_visible()
        expect_status(page, "completed", 2)
        expect(page.locator("#sidebar-list .row [aria-current=page] .title")).to_have_text("Hello")

    def test_is_followed_by_one_that_was_sent_before_the_chat_was_there(self, page: Page):
        held: list[Route] = []

        def hold(route: Route) -> None:
            if held:
                route.continue_()
            held.append(route)

        page.route(CHAT_URL, hold)
        page.goto("/agentos/chat/quick/")
        page.keyboard.type("First")
        page.keyboard.press("Enter")
        page.wait_for_event("request", lambda request: bool(CHAT_URL.search(request.url)))
        page.keyboard.type("Second")
        page.keyboard.press("Enter")
        held[0].continue_()
        expect(turn(page, 2).locator(".said-text")).to_have_text("Second")
        expect(turn(page, 3)).to_have_count(0)
        expect(page.locator("#message")).to_have_value("")

    def test_is_gone_from_the_box_when_one_goes_back(self, page: Page):
        page.goto("/agentos/")
        page.goto("/agentos/chat/quick/")
        page.keyboard.type("Hello")
        page.keyboard.press("Enter")
        page.wait_for_url(CHAT_URL)
        expect_status(page, "completed")
        page.go_back()
        expect(page).to_have_url(re.compile("/agentos/chat/quick/$"))
        expect(page.locator("#intro")).to_be_visible()
        expect(page.locator("#message")).to_have_value("")
        page.go_forward()
        expect(turn(page)).to_be_visible()
        expect(page.locator("#message")).to_have_value("")


class TestBox:
    def test_has_the_focus_in_a_chat_that_is_opened(self, page: Page):
        start_chat(page, "quick", "Hello")
        page.goto("/agentos/")
        page.locator("#sidebar-list .row > a").first.click()
        page.wait_for_url(CHAT_URL)
        expect(page.locator("#message")).to_be_focused()

    def test_does_not_have_it_under_a_thumb(self, visit: Visit, person: Person):
        page = visit(person, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True).new_page()
        start_chat(page, "quick", "Hello")
        page.goto(page.url)
        wait_for_stream(page)
        assert focused(page) == "body#"

    def test_sends_nothing_while_an_input_method_composes(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.locator("#message").fill("にほ")
        press = """options => document.getElementById("message").dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...options }))"""
        page.evaluate(press, {"keyCode": 229})  # Safari, after compositionend
        page.evaluate(press, {"isComposing": True})
        expect(page.locator("#message")).to_have_value("にほ")
        page.locator("#message").press("Enter")
        expect(turn(page, 2).locator(".said-text")).to_have_text("にほ")
        expect(turn(page, 3)).to_have_count(0)

    def test_keeps_a_draft_for_the_person_who_wrote_it(self, visit: Visit, server: Server):
        first, second = server.take(), server.take()
        context = visit(first)
        page = context.new_page()
        page.goto("/agentos/chat/quick/")
        page.locator("#message").press_sequentially("Between us")
        context.clear_cookies()
        page.goto("/agentos/chat/quick/")  # the session is over: the sign-in page
        context.add_cookies([{"name": "session", "value": second.login, "url": server.url}])
        page.goto("/agentos/chat/quick/")
        expect(page.locator("#message")).to_be_focused()
        expect(page.locator("#message")).to_have_value("")
        context.clear_cookies()
        context.add_cookies([{"name": "session", "value": first.login, "url": server.url}])
        page.goto("/agentos/chat/quick/")
        expect(page.locator("#message")).to_have_value("Between us")

    def test_has_its_own_keys_for_itself(self, page: Page):
        page.goto("/agentos/chat/quick/")
        for key in ("Control+k", "Meta+k"):
            page.keyboard.press(key)
            expect(page.locator("#message")).to_be_focused()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Control+k")
        expect(page.locator("#message")).not_to_be_focused()

    def test_says_no_more_what_was_wrong_once_one_mends_it(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        send(page, "   ")
        expect(page.locator("#composer-error")).to_be_visible()
        page.locator("#message").press_sequentially("A")
        expect(page.locator("#composer-error")).to_have_count(0)
        expect(page.locator("#message")).not_to_have_attribute("aria-invalid", "true")


class TestStop:
    def test_by_a_key_leads_into_the_box(self, page: Page):
        start_chat(page, "silent", "Hello")
        expect(answer(page)).to_contain_text(words_of(4))
        tab_to(page, "[data-stop]")
        page.keyboard.press("Enter")
        expect_status(page, "stopped")
        expect(page.locator("#message")).to_be_focused()

    def test_is_there_once_and_in_sight(self, page: Page):
        page.set_viewport_size({"width": 1280, "height": 400})
        start_chat(page, "slow", "Hello")
        page.wait_for_function("() => scrollY > 200")
        stop = page.get_by_role("button", name="Stop")
        expect(stop).to_have_count(1)
        page.locator("#turns").hover()
        while page.evaluate("() => scrollY > 0"):  # on a busy machine the first turn of the wheel may meet words that come
            page.mouse.wheel(0, -10_000)
            page.wait_for_timeout(100)
        expect(stop).to_be_in_viewport(ratio=1)
        stop.click()
        expect_status(page, "stopped")
        expect(stop).to_have_count(0)

    def test_is_not_what_escape_does_in_an_input_method(self, page: Page):
        start_chat(page, "silent", "Hello")
        expect(answer(page)).to_contain_text(words_of(4))
        page.evaluate(
            """() => document.getElementById("message").dispatchEvent(
                new KeyboardEvent("keydown", { key: "Escape", isComposing: true, bubbles: true, cancelable: true }))"""
        )
        page.wait_for_timeout(500)
        expect_status(page, "running")
        page.keyboard.press("Escape")
        expect_status(page, "stopped")


class TestApproval:
    def test_is_announced_and_is_the_next_stop_of_tab(self, page: Page):
        start_chat(page, "careful", "Write to Ada")
        expect(page.locator("#message")).to_be_focused()
        expect_status(page, "waiting")
        expect(page.locator("#status")).to_have_text("Careful waits for your decision. Press Tab to get there.")
        expect(page.locator("#message")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator(".asks :focus")).to_have_count(1)
        tab_to(page, ".asks button[value=yes]")
        page.keyboard.press("Enter")
        expect_status(page, "completed")


class TestHiddenTab:
    @pytest.mark.parametrize(("agent", "title"), [("steady", "Answered · Hello · AgentOS"), ("careful", "Waits for you · Hello · AgentOS")])
    def test_says_in_its_title_what_waits(self, page: Page, agent: str, title: str):
        page.goto(f"/agentos/chat/{agent}/")
        wait_for_stream(page)
        page.keyboard.type("Hello")
        plain = page.locator("link[rel=icon]").get_attribute("href")
        page.keyboard.press("Enter")
        hide(page)
        expect(page).to_have_title(title)
        expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("icon-news"))
        page.wait_for_function("() => document.getElementById('live')._htmx?.sse?.reader === null")
        show(page)
        expect(page).to_have_title("Hello · AgentOS")
        expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile(re.escape(plain or "")))


class TestMidnight:
    def test_gives_the_times_of_yesterday_their_date(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        time = turn(page).locator("time.clock").first
        expect(time).to_have_text(re.compile(r"^\d\d:\d\d$"))
        page.clock.install()
        page.goto(page.url)
        expect(time).to_have_text(re.compile(r"^\d\d:\d\d$"))
        page.clock.fast_forward("24:00:00")
        expect(time).to_have_text(re.compile(r"^\d+ \w+, \d\d:\d\d$"))
