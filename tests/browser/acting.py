"""What people do in a browser, and what they see there."""

import re

from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Locator, Page, expect

from agentos.agents.runtime.scripted import _word
from tests.live_dom import normalised

CHAT_URL = re.compile(r"/agentos/session/[^/]+/")

# Notes every painted state of the last answer that is not the beginning of `whole`, or that is less than the one before.
WATCH = """
(() => {
  const whole = %r;
  let longest = 0;
  window.wrong = [];
  const look = () => {
    const answer = document.querySelector(".turn:last-of-type .answer-parts");
    const text = answer ? answer.textContent.split(/\\s+/).filter(Boolean).join(" ") : "";
    if (!whole.startsWith(text)) window.wrong.push(text);
    if (text.length < longest) window.wrong.push(`${longest} then ${text.length}`);
    longest = text.length;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


def start_chat(page: Page, agent: str, text: str) -> None:
    """Write the first message to an agent, and come to the chat that it opened."""
    page.goto(f"/agentos/chat/{agent}/")
    send(page, text)
    page.wait_for_url(CHAT_URL)


def send(page: Page, text: str) -> None:
    page.locator("#message").fill(text)
    page.locator("#send").click()


def turn(page: Page, number: int = 1) -> Locator:
    return page.locator(f'.turn[aria-label="Turn {number}"]')


def answer(page: Page, number: int = 1) -> Locator:
    return turn(page, number).locator(".answer-parts")


def expect_status(page: Page, status: str, number: int = 1) -> None:
    expect(turn(page, number)).to_have_attribute("data-status", status)


def words_of(tokens: int) -> str:
    """What a scripted model of so many tokens says."""
    return plain("".join(_word(number) for number in range(tokens)))


def plain(text: str | None) -> str:
    return " ".join((text or "").split())


def text_of(page: Page, number: int = 1) -> str:
    return plain(answer(page, number).text_content())


def wait_for_words(page: Page, count: int) -> None:
    """Until the last answer has so many words."""
    page.wait_for_function(
        """count => (document.querySelector(".turn:last-of-type .answer-parts")?.textContent ?? "").split(/\\s+/).filter(Boolean).length
            >= count""",
        arg=count,
    )


def wait_for_stream(page: Page) -> None:
    """Until the tab has its live stream."""
    page.wait_for_function("() => document.getElementById('live')._htmx?.sse?.status === 200")


def watch_for_wrong_text(page: Page, whole: str) -> None:
    page.add_init_script(WATCH % whole)


def wrong_text(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.wrong")
    return found


def shown_turns(page: Page) -> str:
    """The transcript's HTML, without what differs between two readings of the same state."""
    element = BeautifulSoup(page.locator("#turns").evaluate("element => element.outerHTML"), "html.parser").find(id="turns")
    assert isinstance(element, Tag)
    return normalised(element)


def focused(page: Page) -> str:
    """The tag and id of what has the focus."""
    name: str = page.evaluate("`${document.activeElement.tagName.toLowerCase()}#${document.activeElement.id}`")
    return name


def expect_focus_kept(page: Page) -> None:
    expect(page.locator("body:focus")).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body && document.activeElement !== null"), "Nothing has the focus."


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this has the focus."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}; it ended on {focused(page)}.")


def hide(page: Page) -> None:
    """As when another tab comes to the front: a headless browser never hides a page by itself."""
    show_as(page, "true")


def show(page: Page) -> None:
    show_as(page, "false")


def show_as(page: Page, hidden: str) -> None:
    page.evaluate(
        f"""() => {{
          Object.defineProperty(document, "hidden", {{ configurable: true, get: () => {hidden} }});
          document.dispatchEvent(new Event("visibilitychange"));
        }}"""
    )
