"""A member connects their own account at another system: from the call that could not be made, there and back, past our CSP."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.acting import expect_status, start_chat, turn
from tests.browser.conftest import PATIENCE
from tests.browser.server import Person, Server
from tests.connections.servers import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_chat_and_back(browser: Browser, server: Server, person: Person, tmp_path: Path, javascript: bool) -> None:
    """In a context of its own: it leaves our host, which the others may not."""
    with served(tmp_path, "guarded") as there:
        server.seed("sign-in-at", there.url)
        context = browser.new_context(base_url=server.url, java_script_enabled=javascript)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "session", "value": person.login, "url": server.url}])
        page = context.new_page()
        console: list[str] = []
        page.on("console", lambda message: console.append(message.text))
        if javascript:
            start_chat(page, "caller", "guarded_whoami {}")
            expect_status(page, "completed")
            expect(turn(page)).to_contain_text("You are not connected to Guarded yet.")
            turn(page).get_by_role("link", name="Connect").click()
        else:
            page.goto("/agentos/settings/connections/guarded/connect/")
        page.get_by_role("button", name="Connect").click()
        expect(page.locator(".panel-body")).to_contain_text("You connected it just now.")
        assert not [line for line in console if "Content Security Policy" in line]
        if javascript:
            start_chat(page, "caller", "guarded_whoami {}")
            expect_status(page, "completed")
            call = turn(page).locator(".tool", has_text="whoami")
            call.locator("summary").click()
            expect(call).to_contain_text("may notes")
        context.close()
