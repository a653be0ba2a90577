"""Filling a knowledge base as a person does: files with their progress, what could not be read tried again, a source at its page."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.core import files

pytestmark = pytest.mark.browser

DROP = """(given) => {
    const brought = new DataTransfer();
    for (const [name, data] of given) brought.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
    document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: brought }));
}"""


def new_base(page: Page, name: str) -> None:
    page.goto("/agentos/knowledge/new/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def pick(page: Page, *given: tuple[str, bytes]) -> None:
    several: Any = [{"name": name, "mimeType": "application/pdf", "buffer": data} for name, data in given]
    page.locator("#add-files input[type=file]").first.set_input_files(several)


class TestFilling:
    def test_files_are_picked_and_dropped_with_their_progress_and_open_at_their_page(self, page: Page):
        new_base(page, "Kilns")
        expect(page.locator("#ask")).to_be_hidden()  # there is nothing to find
        pick(page, ("kiln.pdf", files.pdf()))
        expect(page.locator("#knowledge-progress")).to_contain_text("1")
        page.evaluate(DROP, [["glaze.pdf", base64.b64encode(files.pdf(said="Page {} speaks of glazes.")).decode()]])
        for name in ("kiln.pdf", "glaze.pdf"):
            expect(page.locator("#documents")).to_contain_text(name)
        expect(page.locator("#documents")).not_to_contain_text("being read")  # it draws itself anew
        page.get_by_label("A question").fill("Which firing has 1,240 degrees on page 2?")
        page.locator("#ask").get_by_role("button", name="Search").click()
        page.locator("#ask .hits a").first.click()
        expect(page).to_have_url(re.compile(r"\?page=\d+&from=\d+&to=\d+#passage$"))
        expect(page.locator("#passage")).to_contain_text("1,240 degrees")
        expect(page.locator("#passage")).to_be_in_viewport()

    def test_a_network_that_is_cut_loses_no_file_and_a_refusal_is_told(self, page: Page):
        new_base(page, "Cuts")
        cut: list[str] = []

        def once(route: Route) -> None:
            if route.request.method == "PUT" and not cut:
                cut.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        page.route("**/upload/**", once)
        pick(page, ("kiln.pdf", files.pdf()))
        expect(page.locator("#documents")).to_contain_text("kiln.pdf")
        assert len(cut) == 1
        page.unroute("**/upload/**")
        page.route("**/upload/", lambda route: route.fulfill(status=422, json={"error": "There is no room for it."}))
        pick(page, ("large.pdf", files.pdf()))
        expect(page.locator("#knowledge-refused")).to_have_text("large.pdf: There is no room for it.")

    def test_what_could_not_be_read_says_why_and_is_tried_again(self, page: Page):
        new_base(page, "Scans")
        pick(page, ("scan.pdf", files.scan()))
        card = page.locator("#documents .row-card", has_text="scan.pdf")
        expect(card.get_by_role("button", name="Try again")).to_be_visible()
        expect(card).to_contain_text("text")
        with page.expect_request(re.compile("again/$")):
            card.get_by_role("button", name="Try again").click()
        expect(page.locator("#documents .row-card", has_text="scan.pdf").get_by_role("button", name="Try again")).to_be_visible()
