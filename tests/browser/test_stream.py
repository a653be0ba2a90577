"""A stream under bad luck: reloads, second tabs, a lost network, a server that restarts."""

import random

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acting import (
    answer,
    expect_status,
    shown_turns,
    start_chat,
    tab_to,
    text_of,
    turn,
    wait_for_stream,
    wait_for_words,
    watch_for_wrong_text,
    words_of,
    wrong_text,
)
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


SEED, RELOADS, LENGTH = 1, 10, 900  # LENGTH: words


class TestReload:
    def test_at_any_moment_of_an_answer_neither_loses_nor_repeats_a_character(self, page: Page):
        watch_for_wrong_text(page, words_of(LENGTH))
        start_chat(page, "slow", "Hello")
        moments = random.Random(SEED).sample(range(1, LENGTH - 100), RELOADS)  # noqa: S311 - no secret
        for words in sorted(moments):
            wait_for_words(page, words)
            assert not wrong_text(page)
            page.reload()
        expect_status(page, "completed")
        assert not wrong_text(page)
        assert text_of(page) == words_of(LENGTH)


class TestSecondTab:
    def test_ends_as_the_first_one(self, page: Page):
        start_chat(page, "steady", "Hello")
        second = page.context.new_page()
        second.goto(page.url)
        for tab in (page, second):
            expect_status(tab, "completed")
            assert text_of(tab) == words_of(200)
        assert shown_turns(second) == shown_turns(page)

    def test_can_stop_the_answer_of_the_first(self, page: Page):
        start_chat(page, "silent", "Hello")
        second = page.context.new_page()
        second.goto(page.url)
        wait_for_stream(page)
        second.get_by_role("button", name="Stop answer 1").click()
        for tab in (page, second):
            expect_status(tab, "stopped")
            assert text_of(tab) == words_of(5)
        assert shown_turns(second) == shown_turns(page)


class TestSlowLine:
    def test_that_brings_one_script_late_still_gets_its_stream(self, page: Page):
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/hx-sse*", hold)
        page.goto("/agentos/", wait_until="commit")
        page.wait_for_function("() => document.querySelector('[data-htmx-powered]')")
        held.pop().continue_()
        wait_for_stream(page)


class TestLostNetwork:
    def test_is_said_and_caught_up_with(self, page: Page):
        watch_for_wrong_text(page, words_of(200))
        start_chat(page, "steady", "Hello")
        wait_for_words(page, 10)
        wait_for_stream(page)
        page.context.set_offline(True)
        expect(page.locator("#offline")).to_be_visible()
        page.context.set_offline(False)
        expect(page.locator("#offline")).to_be_hidden()
        expect_status(page, "completed")
        assert not wrong_text(page)
        assert text_of(page) == words_of(200)


class TestRestart:
    def test_of_the_server_keeps_the_text_and_offers_another_try(self, page: Page, server: Server):
        start_chat(page, "slow", "Hello")
        wait_for_words(page, 20)
        wait_for_stream(page)
        before = text_of(page)
        server.stop()
        expect(page.locator("#notices")).to_contain_text("The server restarts; this page reconnects by itself.")
        page.get_by_role("button", name="Close this notice").click()
        expect(page.locator("#notices .notice")).to_have_count(0)
        server.start()
        expect_status(page, "interrupted")
        assert text_of(page).startswith(before)
        assert words_of(900).startswith(text_of(page))
        expect(turn(page).locator(".ended")).to_be_visible()
        turn(page).get_by_role("button", name="Try again: answer 1").click()
        expect_status(page, "running")
        expect(answer(page)).to_contain_text(words_of(3))


class TestReadersPlace:
    def test_stays_the_end_when_the_answer_grows_past_it_before_the_scrolling_is_told(self, page: Page):
        page.set_viewport_size({"width": 390, "height": 500})
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        page.evaluate(
            """() => {
              const grow = () => {
                const piece = document.createElement("p");
                piece.style.height = "300px";
                document.querySelector(".answer-parts").append(piece);
              };
              grow();
              scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
              grow();
              return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))));
            }"""
        )
        page.wait_for_function("() => innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
        expect(page.locator("#jump")).to_be_hidden()

    def test_is_kept_while_the_focus_goes_through_what_stays_in_its_place(self, page: Page):
        page.set_viewport_size({"width": 1280, "height": 400})
        start_chat(page, "steady", "Hello")
        expect_status(page, "completed")
        page.evaluate("() => { document.activeElement.blur(); scrollTo({ top: 200, behavior: 'instant' }); }")
        for selector in ("#new-chat", ".sidebar .nav-link", "#theme"):
            tab_to(page, selector)
            assert page.evaluate("Math.round(scrollY)") == 200, selector

    def test_is_the_end_only_while_one_is_there(self, page: Page):
        page.set_viewport_size({"width": 1280, "height": 300})
        start_chat(page, "slow", "Hello")
        wait_for_words(page, 200)
        at_end = "() => innerHeight + scrollY >= document.documentElement.scrollHeight - 80"
        page.wait_for_function(at_end)
        page.locator("#turns").hover()
        page.mouse.wheel(0, -10_000)
        page.wait_for_function("() => scrollY === 0")
        expect(page.locator("#jump")).to_be_visible()
        height = page.evaluate("document.documentElement.scrollHeight")
        page.wait_for_function("height => document.documentElement.scrollHeight > height + 20", arg=height)
        assert page.evaluate("scrollY") == 0
        page.locator("#jump").click()
        page.wait_for_function(at_end)
        expect(page.locator("#jump")).to_be_hidden()
        height = page.evaluate("document.documentElement.scrollHeight")
        page.wait_for_function("height => document.documentElement.scrollHeight > height + 20", arg=height)
        page.wait_for_function(at_end)
