"""Coming in, going out, and being put out."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import wait_for_stream
from tests.browser.conftest import Visit
from tests.browser.server import Person, Server

pytestmark = pytest.mark.browser

SIGN_IN = re.compile(r"/sign-in/")
SUSPENDED_WITHIN = 12_000  # ms: the ten seconds of the promise, and a page load


class TestSigningIn:
    def test_takes_one_to_the_dashboard_and_out_again(self, visit: Visit):
        page = visit().new_page()
        page.goto("/agentos/")
        page.get_by_label("E-mail address").fill("member@example.com")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(re.compile(r"/agentos/$"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello Marco")
        page.locator("#account summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(SIGN_IN)
        page.goto("/agentos/")
        expect(page).to_have_url(SIGN_IN)

    def test_with_a_wrong_password_says_so_and_keeps_the_address(self, visit: Visit):
        page = visit().new_page()
        page.goto("/sign-in/")
        page.get_by_label("E-mail address").fill("member@example.com")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator("#sign-in-error")).to_contain_text("do not match")
        expect(page.get_by_label("E-mail address")).to_have_value("member@example.com")
        expect(page.get_by_label("Password")).to_have_value("")
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type("d")
        expect(page.locator("#sign-in-error")).to_have_count(0)

    def test_shows_the_password_to_who_wants_to_see_it(self, visit: Visit):
        page = visit().new_page()
        page.goto("/sign-in/")
        page.get_by_label("E-mail address").fill("member@example.com")
        password = page.get_by_label("Password")
        password.fill("demo")
        page.get_by_role("button", name="Show password").click()
        expect(password).to_have_attribute("type", "text")
        expect(password).to_be_focused()
        page.get_by_role("button", name="Hide password").click()
        expect(password).to_have_attribute("type", "password")
        page.get_by_role("button", name="Show password").click()
        password.press("Enter")
        expect(page).to_have_url(re.compile(r"/agentos/$"))


class TestSuspension:
    def test_sends_an_open_tab_to_the_sign_in_page_within_ten_seconds(self, page: Page, person: Person, server: Server):
        page.goto("/agentos/chat/quick/")
        wait_for_stream(page)
        server.seed("suspend", person.email)
        page.wait_for_url(SIGN_IN, timeout=SUSPENDED_WITHIN)
