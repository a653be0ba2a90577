"""What no page does: run foreign script, call another host, weigh much."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import answer, expect_status, send, start_chat, turn, wait_for_stream
from tests.browser.conftest import Seen, Visit
from tests.browser.seed import HOSTILE

pytestmark = pytest.mark.browser

FIRST_VISIT = 60_000  # bytes
REQUESTS = 16
EVIL = "\n\n".join(
    [
        HOSTILE,
        "<div hx-get='/evil/get' hx-trigger='load' hx-on:load='alert(3)'>x</div>",
        "<div hx-sse:connect='/evil/stream'></div><hx-partial hx-target='#notices'>evil partial</hx-partial>",
        "<style>body { display: none }</style><iframe src='/evil/frame'></iframe><svg onload=alert(4)></svg>",
        "[press me](javascript:alert(5)) [data](data:text/html,<script>alert(6)</script>) <javascript:alert(7)>",
        "![remote](https://evil.invalid/pixel.png) ![local](/evil/pixel.png)",
        "```html\n<script>alert(8)</script>\n```",
    ]
)
FOREIGN = (
    "script, style, iframe, img, [onerror], [onload], [hx-get^='/evil'], [hx-sse\\:connect^='/evil'], hx-partial, a[href^='javascript:' i]"
)


class TestWalk:
    def test_through_all_pages_breaks_no_rule_and_says_nothing_in_the_console(self, page: Page, seen: Seen):
        start_chat(page, "tour", "Show me everything")
        expect_status(page, "completed")
        chat = page.url.partition("#")[0]
        paths = ["/agentos/", "/agentos/agents/", "/agentos/agents/?q=tour", "/agentos/chat/tour/", "/agentos/sessions/"]
        for path in [
            *paths,
            "/agentos/sessions/?archived=1",
            "/agentos/sessions/?q=everything",
            f"{chat}manage/",
            chat,
            f"{chat}?before=1",
        ]:
            page.goto(path)
            wait_for_stream(page)
        assert not seen.console
        page.goto("/agentos/session/unknown/")
        expect(page.locator("#alone")).to_be_visible()
        assert all("404" in line for line in seen.console)

    def test_of_an_operator_through_the_administration_breaks_no_rule(self, visit: Visit, seen: Seen):
        page = visit().new_page()
        page.goto("/sign-in/?next=/admin/")
        page.get_by_label("E-mail address").fill("owner@example.com")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in", exact=True).click()
        for path in ("/admin/", "/admin/agents/djangoagent/", "/admin/agents/djangoagent/add/", "/admin/access/user/"):
            page.goto(path)
        assert not seen.console


class TestFirstVisit:
    def test_weighs_little(self, visit: Visit):
        page = visit().new_page()
        wire = Wire(page)
        page.goto("/agentos/")
        page.get_by_label("E-mail address").fill("member@example.com")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in", exact=True).click()
        wait_for_stream(page)
        page.wait_for_load_state("load")
        assert 10_000 < wire.bytes <= FIRST_VISIT
        assert 5 < wire.requests <= REQUESTS


class Wire:
    """Counts what comes over the wire, headers included, also of what is never finished."""

    def __init__(self, page: Page) -> None:
        self.sizes: dict[str, int] = {}
        self.redirects = 0  # bytes
        self.requests = 0
        line = page.context.new_cdp_session(page)
        line.on("Network.requestWillBeSent", self.sent)
        line.on("Network.requestServedFromCache", self.kept)
        line.on("Network.responseReceived", self.received)
        line.on("Network.dataReceived", lambda event: self.add(event["requestId"], event["encodedDataLength"]))
        line.on("Network.loadingFinished", self.finished)
        line.send("Network.enable")

    def sent(self, event: dict[str, Any]) -> None:
        self.requests += 1
        self.redirects += event.get("redirectResponse", {}).get("encodedDataLength", 0)

    def kept(self, event: dict[str, Any]) -> None:
        self.requests -= 1

    def received(self, event: dict[str, Any]) -> None:
        self.requests -= bool(event["response"].get("fromDiskCache"))
        self.add(event["requestId"], event["response"]["encodedDataLength"])

    def add(self, request: str, size: int) -> None:
        self.sizes[request] = self.sizes.get(request, 0) + int(size)

    def finished(self, event: dict[str, Any]) -> None:
        self.sizes[event["requestId"]] = int(event["encodedDataLength"])

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values()) + self.redirects


class TestHostileText:
    def test_is_shown_and_does_nothing(self, page: Page, seen: Seen):
        start_chat(page, "hostile", EVIL)
        expect_status(page, "completed")
        send(page, EVIL)
        expect_status(page, "completed", 2)
        page.locator("#session-menu").click()
        page.locator("#rename-title").fill(HOSTILE)
        page.locator("#rename-save").click()
        expect(page.locator("#chat-header h1")).to_have_text(HOSTILE)
        expect(page.locator("#sidebar-list .row .title")).to_have_text(HOSTILE)
        expect(turn(page).locator(".turn-head h2").last).to_have_text(HOSTILE)
        expect(turn(page).locator(".said-text")).to_contain_text("<svg onload=alert(4)>")
        expect(answer(page)).to_contain_text("press me")
        for path in (page.url.partition("#")[0], "/agentos/", "/agentos/agents/?q=<script>alert(9)</script>", "/agentos/chat/hostile/"):
            page.goto(path)
            wait_for_stream(page)
            assert page.locator("#main").locator(FOREIGN).count() == 0
            assert page.locator("#sidebar").locator(FOREIGN).count() == 0
        assert not [path for path in seen.paths if path.startswith("/evil") or path.endswith("/x")]
        assert not seen.dialogs
