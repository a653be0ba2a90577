"""Signing in and out, as a browser does it."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.models import User
from tests.factories import PASSWORD
from tests.html import page

REFUSED = "This e-mail address and password do not match. Check both and try again."


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in/", {"email": email, "password": password, **more})


class TestSignIn:
    def test_opens_the_page_that_was_asked_for(self, anonymous: Client, owner: User) -> None:
        response = sign_in(anonymous, owner.email, next="/agentos/agents/?q=x")
        assert (response.status_code, response["Location"]) == (302, "/agentos/agents/?q=x")
        assert anonymous.session["_auth_user_id"] == str(owner.pk)

    def test_ignores_the_case_of_the_address(self, anonymous: Client, owner: User) -> None:
        assert sign_in(anonymous, "OWNER@Example.com", next="/x").status_code == 302

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
    def test_never_leads_to_another_host(self, anonymous: Client, owner: User, elsewhere: str) -> None:
        response = sign_in(anonymous, owner.email, next=elsewhere)
        assert "evil" not in response["Location"]
        assert "javascript" not in response["Location"]

    @pytest.mark.parametrize("email", ["owner@example.com", "nobody@example.com", "suspended@example.com"])
    def test_refuses_everybody_with_the_same_sentence(self, anonymous: Client, owner: User, suspended: User, email: str) -> None:
        password = PASSWORD if email.startswith("suspended") else "wrong"
        response = sign_in(anonymous, email, password)
        assert response.status_code == 422
        assert page(response).texts("[role=alert]") == [REFUSED]
        assert "_auth_user_id" not in anonymous.session

    def test_keeps_the_address_and_names_what_is_missing(self, anonymous: Client) -> None:
        html = page(sign_in(anonymous, "owner@example.com", ""))
        assert html.one("#id_email")["value"] == "owner@example.com"
        assert html.texts("#id_password_error") == ["This field is required."]
        assert html.one("#id_password")["aria-invalid"] == "true"

    def test_has_a_new_session_after_signing_in(self, anonymous: Client, owner: User) -> None:
        anonymous.get("/sign-in/")
        session = anonymous.session
        session["x"] = 1
        session.save()
        before = session.session_key
        sign_in(anonymous, owner.email)
        assert anonymous.session.session_key != before

    def test_sends_on_who_is_signed_in_already(self, as_owner: Client) -> None:
        assert as_owner.get("/sign-in/?next=/x").headers["Location"] == "/x"


class TestSignOut:
    def test_ends_the_session(self, as_owner: Client) -> None:
        assert as_owner.post("/sign-out/").headers["Location"] == "/sign-in/"
        assert "_auth_user_id" not in as_owner.session

    def test_refuses_a_link(self, as_owner: Client) -> None:
        assert as_owner.get("/sign-out/").status_code == 405
        assert "_auth_user_id" in as_owner.session

    def test_refuses_a_form_of_another_site(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        assert client.post("/sign-out/").status_code == 403
