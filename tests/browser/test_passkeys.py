"""Passkeys, with an authenticator that Chromium plays."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.server import Person, Server

pytestmark = pytest.mark.browser

KEEPER = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def tab(browser: Browser, server: Server, person: Person, violations: list[str]) -> Page:
    """At ``localhost``: a number of this machine has no passkeys."""
    context = browser.new_context(base_url=server.origin.replace("127.0.0.1", "localhost"))
    context.add_cookies([{"name": "session", "value": person.login, "url": server.origin.replace("127.0.0.1", "localhost")}])
    page = context.new_page()
    page.on("console", lambda message: violations.append(message.text) if "Content Security Policy" in message.text else None)
    return page


def test_sign_one_in_without_a_password_and_are_taken_away_again(browser: Browser, server: Server, person: Person) -> None:
    violations: list[str] = []
    page = tab(browser, server, person, violations)
    keeper = page.context.new_cdp_session(page)
    keeper.send("WebAuthn.enable")
    keeper.send("WebAuthn.addVirtualAuthenticator", {"options": KEEPER})

    page.goto("/agentos/settings/account/")
    page.locator("#open-factors").click()
    page.locator("#add-passkey").click()
    page.get_by_label("Name").fill("My laptop")
    page.locator("#passkey-go").click()
    expect(page.locator("#codes-list code")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("#passkeys h3")).to_have_text("My laptop")

    page.locator("#account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(r"/agentos/$"))

    page.goto("/agentos/settings/account/factors/")
    page.get_by_role("link", name="Remove…").click()
    page.get_by_role("button", name="Use a passkey").click()  # who one is, asked again
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.locator("#passkeys h3")).to_have_count(0)

    page.locator("#account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This passkey is not known here")
    assert violations == []
