"""Speaking in place of writing: a microphone that is a file, its slices, and what is written down of them."""

import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.acting import expect_status, turn
from tests.browser.conftest import ARGS, Visit
from tests.browser.server import Person
from tests.browser.test_person import choose
from tests.browser.test_reading import VOICES

pytestmark = pytest.mark.browser

WORDS = "This is a rehearsal: nobody has listened. What can you do?"
PLAYED = "audio => new Promise(done => { audio.onloadedmetadata = () => done(audio.duration); audio.preload = 'auto'; audio.load() })"
NO_MICROPHONE = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{}'))"
FAKES = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
RATE = 48_000


def speech(path: Path, *parts: tuple[float, float]) -> Path:
    """Write a sound: seconds, and how loud."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for seconds, loud in parts:
            tone = (int(loud * 30_000 * math.sin(number / 20)) for number in range(int(seconds * RATE)))
            file.writeframes(b"".join(struct.pack("<h", each) for each in tone))
    return path


@pytest.fixture
def browser(chromium_path: str, tmp_path: Path) -> Iterator[Browser]:
    sound = speech(tmp_path / "microphone.wav", (1.0, 0.7), (2.0, 0.0))
    with sync_playwright() as playwright:
        args = [*ARGS, *FAKES, f"--use-file-for-fake-audio-capture={sound}"]
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=args)
        yield chromium
        chromium.close()


def record(page: Page, slices: int = 2) -> None:
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.url.endswith(f"/{slices - 1}/")):
        page.locator("#record").click()
    expect(page.locator("#recorder .recorder-state")).to_have_text("Recording")


def box_is(page: Page, text: str) -> None:
    expect(page.locator("#message")).to_have_value(text)
    expect(page.locator("#message")).to_be_focused()
    assert page.locator("#message").evaluate("box => box.selectionStart === box.value.length && box.selectionEnd === box.value.length")


class TestRecording:
    def test_becomes_words_behind_those_that_are_there(self, page: Page):
        page.goto("/agentos/chat/quick/")
        page.locator("#message").fill("So:")
        record(page)
        page.wait_for_function("() => document.querySelector('#recorder meter').value > 0.1")
        page.locator("#recorder").get_by_role("button", name="Pause").click()
        expect(page.locator("#recorder .recorder-state")).to_have_text("Paused")
        page.locator("#recorder").get_by_role("button", name="Go on").click()
        page.locator("#recorder [data-done]").click()
        box_is(page, f"So: {WORDS}")
        expect(page.locator("#recorder")).to_have_count(0)
        expect(page.locator("#file-chips li")).to_have_count(0)
        record(page)
        page.locator("#recorder").get_by_role("button", name="Discard").click()
        expect(page.locator("#recorder")).to_have_count(0)
        box_is(page, f"So: {WORDS}")

    def test_is_kept_and_sent_at_once_by_who_wants_that(self, page: Page):
        choose(page, "Send what was said at once", "Keep recordings with their messages")
        page.goto("/agentos/chat/quick/")
        record(page, slices=1)
        page.locator("#recorder [data-done]").click()
        expect_status(page, "completed")
        expect(turn(page).locator(".said-text")).to_have_text(WORDS)
        player = turn(page).locator(".said audio")
        seconds = player.evaluate(PLAYED)
        assert 0.5 < seconds < 20

    def test_that_a_closed_tab_cut_off_is_there_again(self, page: Page):
        page.goto("/agentos/chat/quick/")
        record(page)
        page.reload()  # it is another tab's for five seconds more
        page.evaluate(
            "() => { const key = Object.keys(localStorage).find(key => key.startsWith('recording:'));"
            " localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), at: 0 }) }"
        )
        page.reload()
        expect(page.locator("#recorder .recorder-state")).to_have_text("A recording was cut off.")
        page.locator("#recorder [data-done]").click()
        box_is(page, WORDS)

    def test_that_nobody_could_write_down_waits_and_is_tried_again(self, page: Page):
        page.goto("/agentos/chat/quick/")
        record(page, slices=1)
        page.route("**/words/", lambda route: route.fulfill(status=503, json={"error": "Many recordings are being written down."}))
        page.locator("#recorder [data-done]").click()
        expect(page.locator("#files-error")).to_have_text("Many recordings are being written down.")
        page.unroute("**/words/")
        page.reload()
        page.locator("#file-chips").get_by_role("button", name="Write down Recording").click()
        box_is(page, WORDS)
        expect(page.locator("#file-chips audio")).to_have_count(1)


class TestHandsFree:
    def test_takes_turns_until_somebody_leaves_and_a_cough_is_no_turn(self, page: Page):
        page.add_init_script(VOICES + "window.slow = true;")
        page.goto("/agentos/chat/quick/")
        record(page, slices=1)
        page.locator("#recorder").get_by_role("button", name="Hands-free").click()
        bar = page.locator("#handsfree")
        expect(bar.locator(".recorder-state")).to_have_text("Hearing you")
        expect_status(page, "completed")
        expect(turn(page).locator(".said-text")).to_have_text(WORDS)
        expect(bar.locator(".recorder-state")).to_have_text("Speaking")
        page.route("**/words/", lambda route: route.fulfill(json={"text": ""}))
        with page.expect_response("**/words/"):
            page.wait_for_function("() => window.held")  # at the first sound
        page.wait_for_function("() => !window.held")  # there were no words in it
        expect(page.locator(".turn")).to_have_count(1)
        assert "(stopped)" not in page.evaluate("() => window.said.slice(window.said.findLastIndex(each => each !== '(stopped)'))")
        page.unroute("**/words/")
        expect(page.locator(".turn")).to_have_count(2)  # somebody spoke into the answer
        expect(page.locator(".turn").nth(1).locator(".said-text")).to_have_text(WORDS)
        page.keyboard.press("Escape")
        expect(bar).to_have_count(0)
        expect(page.locator("#message")).to_be_focused()


class TestTheButton:
    def test_says_why_nobody_can_speak(self, visit: Visit, person: Person):
        for script, sentence in (
            ("Object.defineProperty(window, 'isSecureContext', { value: false })", "only over HTTPS"),
            ("delete window.MediaRecorder", "cannot record"),
            (
                NO_MICROPHONE.format("NotAllowedError"),
                "Allow it in your browser",
            ),
            (NO_MICROPHONE.format("NotFoundError"), "There is no microphone"),
        ):
            page = visit(person).new_page()
            page.add_init_script(script)
            page.goto("/agentos/chat/quick/")
            page.locator("#record").click()
            expect(page.locator("#files-error")).to_contain_text(sentence)
            expect(page.locator("#recorder")).to_have_count(0)
