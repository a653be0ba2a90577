"""Files in the composer: picked, dropped, pasted; cancelled, tried again; there after a reload, and without a script."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser.acting import expect_status, send, start_chat, turn
from tests.browser.conftest import Visit
from tests.browser.server import Person
from tests.files import made

pytestmark = pytest.mark.browser

LONG = b"%PDF-" + b"0123456789" * 250_000  # three slices
BRING = """([kind, name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const brought = new DataTransfer();
    brought.items.add(new File([bytes], name, { type }));
    const about = { bubbles: true, cancelable: true };
    const event = kind === "drop" ? new DragEvent(kind, { ...about, dataTransfer: brought })
        : new ClipboardEvent(kind, { ...about, clipboardData: brought });
    document.getElementById("message").dispatchEvent(event);
}"""


def bring(page: Page, kind: str, name: str, mime: str, data: bytes) -> None:
    import base64

    page.evaluate(BRING, [kind, name, mime, base64.b64encode(data).decode()])


def pick(page: Page, name: str, data: bytes, mime: str = "application/pdf") -> None:
    page.locator("#pick-files").set_input_files({"name": name, "mimeType": mime, "buffer": data})


def open_chat(page: Page) -> None:
    """The script comes when a hand does."""
    page.goto("/agentos/chat/quick/")
    bring_script(page)


def bring_script(page: Page) -> None:
    with page.expect_response(re.compile(r"/js/files\.")):
        page.mouse.move(5, 5)
        page.mouse.move(9, 9)
    page.wait_for_function("() => [...document.scripts].at(-1).src.includes('/js/files.')")
    page.evaluate("() => new Promise((done) => setTimeout(done, 50))")  # it runs when it has come


def arrived(page: Page) -> Any:
    return page.locator("#file-chips [data-file]")


class TestFiles:
    def test_are_picked_dropped_and_pasted_and_go_with_the_message(self, page: Page, tmp_path: Path):
        open_chat(page)
        pick(page, "report.pdf", LONG)
        expect(arrived(page)).to_have_count(1)
        bring(page, "drop", "photo.jpg", "image/jpeg", made.picture(size=(1200, 800)))
        expect(arrived(page)).to_have_count(2)
        bring(page, "paste", "image.png", "image/png", made.picture("PNG"))
        expect(arrived(page)).to_have_count(3)
        assert re.fullmatch(r"Screenshot \d\d\.\d\d\.png", arrived(page).nth(2).locator(".file-name").inner_text())
        page.screenshot(path=tmp_path / "composer.png")
        page.reload()  # they are rows
        expect(arrived(page)).to_have_count(3)
        bring_script(page)
        arrived(page).nth(2).get_by_role("button").click()
        expect(arrived(page)).to_have_count(2)
        page.locator("#send").click()  # without a word
        expect_status(page, "completed")
        expect(turn(page).locator(".said .turn-files li")).to_have_count(2)
        expect(arrived(page)).to_have_count(0)
        picture = turn(page).locator(".turn-picture img")
        assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") == 512
        with page.expect_download() as download:
            turn(page).locator("a.file-chip").click()
        assert Path(download.value.path()).read_bytes() == LONG
        assert download.value.suggested_filename == "report.pdf"

    def test_that_cannot_be_taken_are_told_before_they_are_sent(self, page: Page):
        open_chat(page)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.method))
        pick(page, "report.pdf", b"%PDF-" + b"x" * 26_000_000)
        expect(page.locator("#files-error")).to_have_text(re.compile(r"report\.pdf is too large: a file can have"))
        assert set(sent) <= {"GET"}
        pick(page, "photo.png", made.PAGE, "image/png")
        expect(page.locator("#files-error")).to_have_text(re.compile(r"photo\.png cannot be taken: it is not what its name says"))
        expect(page.locator("#file-chips li")).to_have_count(0)

    def test_are_sent_again_where_the_network_was_cut(self, page: Page):
        open_chat(page)
        cut: list[str] = []

        def fail(route: Route) -> None:
            """The first of each slice."""
            if route.request.method == "PUT" and route.request.url not in cut:
                cut.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        page.route("**/files/upload/**", fail)
        pick(page, "report.pdf", LONG)
        expect(arrived(page)).to_have_count(1)
        assert len(cut) == 3

    def test_wait_for_who_tries_again_or_cancels(self, page: Page):
        open_chat(page)
        page.route("**/files/", lambda route: route.abort())
        pick(page, "report.pdf", LONG)
        chip = page.locator("#file-chips .failed")
        expect(page.locator("#files-error")).to_have_text("report.pdf could not be sent: the server cannot be reached.")
        send(page, "Look")
        expect(page.locator("#files-error")).to_have_text("Wait until the files are here, or cancel them.")
        page.unroute("**/files/")
        held: list[Route] = []
        page.route("**/files/upload/**/done/", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
        chip.get_by_role("button", name="Try again").click()
        expect(page.locator("#file-chips .to-come progress")).to_have_js_property("value", 1)
        page.locator("#file-chips [data-cancel]").click()
        expect(page.locator("#file-chips li")).to_have_count(0)
        page.locator("#send").click()
        expect_status(page, "completed")
        expect(turn(page).locator(".turn-files")).to_have_count(0)

    def test_of_an_open_chat_are_kept_when_its_message_is_edited(self, page: Page):
        start_chat(page, "quick", "Hello")
        expect_status(page, "completed")
        pick(page, "notes.txt", b"notes", "text/plain")
        expect(arrived(page)).to_have_count(1)
        send(page, "Look")
        expect_status(page, "completed", 2)
        expect(turn(page, 2).locator("a.file-chip")).to_contain_text("notes.txt")
        turn(page, 2).locator(".edit summary").click()
        turn(page, 2).locator(".edit textarea").fill("Look again")
        turn(page, 2).locator(".edit button[type=submit]").click()
        expect(turn(page, 2).locator(".said-text").first).to_have_text("Look again")
        expect(turn(page, 2).locator("a.file-chip")).to_contain_text("notes.txt")

    def test_come_with_the_form_without_a_script(self, visit: Visit, person: Person):
        page = visit(person, java_script_enabled=False).new_page()
        page.goto("/agentos/chat/quick/")
        page.locator("#message").fill("Look")
        files = [("photo.jpg", "image/jpeg", made.picture()), ("large.pdf", "application/pdf", LONG)]
        page.locator("#files").set_input_files([FilePayload(name=n, mimeType=m, buffer=d) for n, m, d in files])
        page.locator("#send").click()
        expect(turn(page).locator(".said .turn-files li")).to_have_count(2)
