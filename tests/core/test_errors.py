"""The envelope: one shape for every error that the stack can make, and nothing of the inside in it."""

import logging
import sqlite3
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import AsyncClient, Client, RequestFactory

from agentos.core.http.errors import DEFAULTS, envelope, request_id
from tests.core.urls import SECRET

pytestmark = pytest.mark.urls("tests.core.urls")


def explode(get_response: Any) -> Any:
    """A middleware that breaks before any view is asked."""

    def call(_request: Any) -> HttpResponseBase:
        raise ValueError(SECRET)

    return call


def assert_envelope(response: Any, status: int, code: str) -> str:
    """Assert the shape, and return the sentence."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert response.headers["X-Error-Code"] == code
    assert response.headers["X-Request-ID"].startswith("req_")
    body = response.json()
    assert list(body) == ["success", "error", "response"]
    assert body["success"] is False
    assert body["response"] is None
    assert body["error"]
    for inside in ("Traceback", "SELECT", "/srv/", "Exception", ".py", "<"):
        assert inside not in response.content.decode()
    return str(body["error"])


@pytest.fixture
def program() -> Client:
    return Client(raise_request_exception=False)


class TestEnvelope:
    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("fail/defect/", 500, "agentos_error"),
            ("afail/defect/", 500, "agentos_error"),
            ("fail/database/", 503, "unavailable"),
            ("afail/database/", 503, "unavailable"),
            ("fail/connection/", 503, "unavailable"),
            ("fail/value/", 400, "bad_request"),
            ("fail/suspicious/", 400, "bad_request"),
            ("fail/too-big/", 413, "too_large"),
            ("fail/denied/", 403, "forbidden"),
            ("fail/nowhere/", 404, "not_found"),
            ("posted/", 405, "method_not_allowed"),
            ("unknown/", 404, "not_found"),
            ("problem/", 422, "invalid_fields"),
            *((f"page/{status}/", status, code) for status, (code, _) in DEFAULTS.items()),
            ("page/418/", 418, "bad_request"),
            ("page/599/", 599, "agentos_error"),
        ],
    )
    @pytest.mark.parametrize("debug", [False, True])
    def test_is_what_a_program_gets_for_every_error(
        self, program: Client, settings: Any, path: str, status: int, code: str, debug: bool
    ) -> None:
        if debug and path.split("/")[1] in {"database", "connection", "value", "too-big"}:
            status, code = (400, "bad_request") if "too-big" in path else (500, "agentos_error")  # Django's debug pages know no better
        settings.DEBUG = debug
        assert_envelope(program.get(f"/api/{path}"), status, code)

    async def test_comes_from_the_async_stack_too(self) -> None:
        client = AsyncClient(raise_request_exception=False)
        assert_envelope(await client.get("/api/afail/defect/"), 500, "agentos_error")
        assert_envelope(await client.get("/api/fail/database/"), 503, "unavailable")
        assert_envelope(await client.get("/api/unknown/"), 404, "not_found")

    def test_keeps_the_sentence_and_the_code_of_whoever_refused(self, program: Client) -> None:
        response = program.get("/api/refused/")
        assert assert_envelope(response, 409, "busy") == "Not now."
        assert response.headers["Retry-After"] == "3"

    def test_keeps_the_headers_and_cookies_of_the_answer_that_it_replaces(self, program: Client) -> None:
        response = program.get("/api/page/429/")
        assert response.headers["Retry-After"] == "7"
        assert response.cookies["kept"].value == "yes"
        assert program.get("/api/posted/").headers["Allow"] == "POST"

    def test_carries_the_safety_headers(self, program: Client) -> None:
        for path in ("/api/unknown/", "/api/fail/defect/", "/api/refused/"):
            headers = program.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["Cache-Control"] == "private, no-store"

    def test_leaves_pages_alone(self, program: Client) -> None:
        for path, status in (
            ("unknown/", 404),
            ("fail/defect/", 500),
            ("fail/database/", 503),
            ("fail/value/", 400),
            ("fail/too-big/", 413),
            ("page/403/", 403),
        ):
            response = program.get(f"/pages/{path}")
            assert response.status_code == status
            assert response.headers["Content-Type"].startswith("text/html")
            assert response.headers["X-Request-ID"].startswith("req_")

    def test_answers_an_unknown_host(self, program: Client) -> None:
        assert_envelope(program.get("/api/refused/", HTTP_HOST="evil.example"), 400, "bad_request")

    def test_answers_an_unknown_host_where_https_is_forced(self, program: Client, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True
        assert_envelope(program.get("/api/refused/", HTTP_HOST="evil.example"), 400, "bad_request")

    def test_answers_a_form_without_its_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        assert_envelope(client.post("/api/protected/"), 403, "forbidden")

    def test_answers_a_body_that_is_too_large(self, program: Client, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        assert_envelope(
            program.post("/api/posted/", "text=" + "a" * 200, content_type="application/x-www-form-urlencoded"), 413, "too_large"
        )

    def test_answers_too_many_fields(self, program: Client, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
        body = "&".join(f"f{n}=1" for n in range(9))
        assert_envelope(program.post("/api/posted/", body, content_type="application/x-www-form-urlencoded"), 400, "bad_request")

    @pytest.mark.parametrize("place", [0, 1, 2, 3, -1, None])
    def test_answers_a_middleware_that_breaks(self, settings: Any, place: int | None) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE]
        settings.MIDDLEWARE.insert(len(settings.MIDDLEWARE) if place is None else place, "tests.core.test_errors.explode")
        assert_envelope(Client(raise_request_exception=False).get("/api/refused/"), 500, "agentos_error")

    @pytest.mark.parametrize("method", ["TRACE", "FOO", "PROPFIND"])
    def test_answers_unknown_methods(self, program: Client, method: str) -> None:
        assert_envelope(program.generic(method, "/api/posted/"), 405, "method_not_allowed")


class TestServerError:
    @pytest.mark.django_db(transaction=True)
    def test_says_503_while_the_database_is_down(self, as_owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("breaks the connection in SQLite's way")
        connection.close()

        def refuse(_parameters: Any) -> None:
            raise sqlite3.OperationalError("unable to open database file")

        monkeypatch.setattr(connection, "get_new_connection", refuse)
        as_owner.raise_request_exception = False
        response = as_owner.get("/api/signed-in/")
        assert_envelope(response, 503, "unavailable")
        assert response.headers["Retry-After"] == "5"

    def test_logs_the_id_that_the_caller_was_given(self, program: Client, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.ERROR, "agentos.core.http.errors"):
            response = program.get("/api/fail/defect/")
        assert f"Request {response.headers['X-Request-ID']} failed: ValueError" in caplog.messages


class TestRequestId:
    def test_stays_the_same_for_the_life_of_a_request(self) -> None:
        request = RequestFactory().get("/")
        assert request_id(request) == request_id(request)
        assert envelope(request, 404).headers["X-Request-ID"] == request_id(request)

    def test_differs_between_requests_and_is_never_the_callers(self, program: Client) -> None:
        given = {program.get("/api/refused/", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"] for _ in range(3)}
        assert len(given) == 3
        assert "mine" not in given

    def test_is_on_good_answers_too(self, program: Client) -> None:
        response = program.post("/api/posted/", {"text": "hello"})
        assert response.status_code == 200
        assert response.headers["X-Request-ID"].startswith("req_")
