"""Error pages, in the frame; to htmx every error is a notice, to a program an envelope."""

from typing import Any

import pytest
from django.http import Http404
from django.test import Client, RequestFactory

from agentos.dashboard.views import errors
from agentos.service import AgentOSService
from tests.core.test_htmx import asked
from tests.dashboard.asking import HTMX, get, post
from tests.html import page


class TestNotFound:
    def test_stands_in_the_frame(self, as_member: Client) -> None:
        for url in ("/agentos/session/nothing/", "/agentos/chat/nothing/", "/nowhere/"):
            response = as_member.get(url)
            found = page(response)
            assert response.status_code == 404
            assert found.has("#sidebar")
            assert found.has("#drawer-open")
            assert "nothing here that you can open" in found.text("main")
            assert response.context["error"] == errors.NOT_FOUND

    def test_is_a_page_of_its_own_for_strangers(self, anonymous: Client) -> None:
        found = page(anonymous.get("/nowhere/"))
        assert found.text("h1") == "Not found"
        assert not found.has("#sidebar")

    def test_is_a_notice_to_htmx(self, as_member: Client) -> None:
        response = post(as_member, "/agentos/run/nothing/stop/")
        assert (response.status_code, response.headers["HX-Retarget"], response.headers["HX-Reswap"]) == (404, "#notices", "beforeend")
        assert page(response).one(".notice.error")["role"] == "alert"
        assert not page(response).has("html")

    def test_is_an_envelope_to_a_program(self, as_member: Client, rf: RequestFactory) -> None:
        assert as_member.get("/api/v1/agentos/nowhere/").json()["success"] is False
        answer = errors.not_found(rf.get("/api/v1/agentos/nowhere/"), Http404())
        assert answer.headers["Content-Type"] == "application/json"


class TestBadRequest:
    def test_is_a_notice_to_htmx_however_early_it_is_refused(self, as_member: Client) -> None:
        """A host that is none of ours is refused before the request has come to the last middleware."""
        response = as_member.get("/agentos", headers=HTMX, SERVER_NAME="elsewhere.example")
        assert (response.status_code, response.headers["HX-Retarget"]) == (400, "#notices")
        assert page(response).has(".notice.error")


class TestServerError:
    @pytest.fixture(autouse=True)
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def explode(service: AgentOSService, session_id: str) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(AgentOSService, "get_session", explode)

    def test_tells_nothing_but_what_to_do(self, as_member: Client) -> None:
        as_member.raise_request_exception = False
        response = as_member.get("/agentos/session/x/")
        found = page(response)
        assert response.status_code == 500
        assert found.text("h1") == "Something went wrong"
        assert "secret detail" not in found.html

    def test_is_a_notice_to_htmx(self, as_member: Client) -> None:
        as_member.raise_request_exception = False
        response = get(as_member, "/agentos/session/x/manage/")
        assert (response.status_code, response.headers["HX-Retarget"]) == (500, "#notices")
        assert "What was saved is safe" in page(response).text(".notice")


class TestOldForms:
    def test_are_told_to_reload(self, rf: RequestFactory) -> None:
        assert errors.csrf_failure(asked(rf.post("/x/"))).status_code == 403
        response = errors.csrf_failure(asked(rf.post("/x/", headers=HTMX)))
        assert "open for too long" in page(response).text(".notice")


class TestTooLarge:
    def test_keeps_the_page(self, as_member: Client, url: str, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        response = post(as_member, url, {"message": "x" * 2000})
        assert (response.status_code, response.headers["HX-Retarget"]) == (413, "#notices")
        assert "too large" in page(response).text(".notice")
