"""Answers are read aloud, by voices that write down what they are given to say."""

import wave
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acting import expect_status, send, start_chat, turn
from tests.browser.test_person import choose

pytestmark = pytest.mark.browser

# A browser's voices, of which the first two are not to be chosen. ``slow``: a sentence lasts.
VOICES = """
window.said = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
const voices = [["English, far", "en-US", false], ["Deutsch", "de-DE", true], ["English", "en-GB", true]];
Object.defineProperty(window, "speechSynthesis", { value: {
    getVoices: () => window.mute ? [] : voices.map(([name, lang, localService]) => ({ name, lang, localService })),
    addEventListener() {}, cancel() { window.said.push("(stopped)"); }, pause() { window.held = true; }, resume() { window.held = false; },
    speak(said) {
        window.said.push(said.text);
        window.by = said.voice.name;
        if (!window.slow) setTimeout(() => said.onend(), 5);
    },
} });
"""
TEXT = "First things\nfirst. Is that so?\n\n```\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- Tea\n- Cups\n\nThe end"
READ = ["First things first.", "Is that so?", "A piece of code.", "A table.", "Tea", "Cups", "The end"]


def said(page: Page) -> list[str]:
    found: list[str] = page.evaluate("() => window.said.filter(each => each !== '(stopped)')")
    return found


def wait_until_said(page: Page, count: int) -> None:
    page.wait_for_function("count => window.said.filter(each => each !== '(stopped)').length >= count", arg=count)


def read_aloud(page: Page) -> None:
    turn(page).get_by_role("button", name="Read aloud: answer 1").click()


class TestAnAnswer:
    def test_is_read_when_it_is_asked_for_and_until_somebody_types(self, page: Page):
        page.add_init_script(VOICES)
        start_chat(page, "parrot", TEXT)
        expect_status(page, "completed")
        assert said(page) == []
        read_aloud(page)
        wait_until_said(page, len(READ))
        assert said(page) == READ
        assert page.evaluate("() => window.by") == "English"
        expect(page.locator("#reader")).to_have_count(0)  # it is done
        page.evaluate("() => { window.said = []; window.slow = true }")
        read_aloud(page)
        expect(page.locator("#reader")).to_be_visible()
        page.locator("#message").press_sequentially("N")
        expect(page.locator("#reader")).to_have_count(0)
        assert said(page) == READ[:1]

    def test_says_that_there_is_no_voice(self, page: Page):
        page.add_init_script(VOICES + "window.mute = true;")
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        read_aloud(page)
        expect(page.locator("#files-error")).to_contain_text("This browser has no voice.")

    def test_is_read_by_the_server_where_that_has_a_voice(self, page: Page, tmp_path: Path):
        path = tmp_path / "said.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"\0" * 800)
        asked: list[Any] = []

        def speak(route: Route) -> None:
            asked.append(route.request.post_data)
            route.fulfill(body=path.read_bytes(), content_type="audio/wav")

        def with_voice(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, body=answer.text().replace('data-speech=""', 'data-speech="/agentos/voice/speech/"'))

        page.route("**/agentos/voice/", with_voice)
        page.route("**/voice/speech/", speak)
        start_chat(page, "parrot", "One. Two.")
        expect_status(page, "completed")
        read_aloud(page)
        expect(page.locator("#reader")).to_be_visible()
        expect(page.locator("#reader")).to_have_count(0)
        assert asked == ["text=One.", "text=Two."]


class TestAsTheyCome:
    def test_each_sentence_is_read_once_and_in_order(self, page: Page):
        page.add_init_script(VOICES)
        choose(page, "Read answers aloud as they come")
        start_chat(page, "parrot", TEXT)
        expect_status(page, "completed")
        wait_until_said(page, len(READ))
        assert said(page) == READ
        send(page, "And more. Of it.")
        expect_status(page, "completed", 2)
        wait_until_said(page, len(READ) + 2)
        assert said(page) == [*READ, "And more.", "Of it."]
        page.reload()
        expect(turn(page)).to_be_visible()
        assert said(page) == []  # what has been read is not read again
