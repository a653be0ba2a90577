"""What every answer has, whoever gives it: its request's id, and the line of the log that names it; and HSTS over TLS."""

import json
import logging
from typing import Any

import pytest

from agentos.core.http import request_log
from site_config.front import Front
from tests.site_config.test_asgi import Caller

ANSWERS = {
    "/sign-in/": 200,
    "/agentos/": 302,
    "/nope/": 404,
    "/api/v1/agentos/agents/": 401,
    "/api/v1/agentos/fastapi/agents": 401,
    "/v1/models": 401,
    "/agentos/live/": 401,
    "/static/none.js": 404,
}
HSTS = "strict-transport-security"

pytestmark = pytest.mark.usefixtures("transactional_db")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "agentos.requests"]


class TestTheId:
    @pytest.mark.parametrize(("path", "expected"), ANSWERS.items())
    async def test_is_in_every_answer_and_its_line(self, path: str, expected: int, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        status, headers, _ = await Caller(leaves=True).ask("GET", path, query="token=secret")
        assert status == expected
        (line,) = lines(caplog)
        assert line.startswith(f"{headers['x-request-id']} - GET {path} {expected} ")
        assert headers["x-request-id"].startswith("req_")
        assert "secret" not in caplog.text

    @pytest.mark.parametrize("path", ANSWERS)
    async def test_may_be_given(self, path: str) -> None:
        _, headers, _ = await Caller(leaves=True).ask("GET", path, {"X-Request-ID": "3f0c-A.b_1"})
        assert headers["x-request-id"] == "3f0c-A.b_1"

    @pytest.mark.parametrize("given", ["", "a b", "a\x1b[31m", "<script>", "x" * 129, "ä", 'a"', "a, b"])
    async def test_is_made_anew_where_the_given_one_is_not_harmless(self, given: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        _, headers, _ = await Caller().ask("GET", "/nope/", {"X-Request-ID": given})
        assert headers["x-request-id"].startswith("req_")
        assert not given or given not in caplog.text

    def test_is_made_anew_where_two_are_given(self) -> None:
        assert request_log.id_of([(b"x-request-id", b"one"), (b"x-request-id", b"two")]).startswith("req_")


class TestTheLine:
    async def test_shows_a_path_that_can_do_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        await Caller().ask("GET", "/a\n2026 ERROR\x1b[31m\u202e" + "x" * 1000)
        (line,) = lines(caplog)
        assert "GET /a\\n2026 ERROR\\x1b[31m\\u202ex" in line
        assert len(line) < 400

    async def test_of_a_client_that_has_gone_says_so(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        with pytest.raises(IndexError):  # nothing was sent
            await Caller(b"a", breaks_off=True).ask("POST", "/agentos/webhook/")
        assert " POST /agentos/webhook/ 499 " in lines(caplog)[0]

    @pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (404, "WARNING"), (500, "WARNING"), (499, "INFO")])
    def test_is_louder_when_something_is_wrong(self, status: int, level: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "agentos")
        request_log.note({}, status, 0.0)
        request_log.note({request_log.QUIET: True}, status, 0.0)
        assert [record.levelname for record in caplog.records] == [level, "DEBUG"]

    def test_names_the_client_behind_a_proxy(self, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
        settings.AGENTOS_TRUSTED_PROXY_COUNT = 1
        request_log.note({"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.7")]}, 404, 0.0)
        assert " 203.0.113.7 " in caplog.text


class TestWhatBreaks:
    @pytest.mark.parametrize("path", ["/x/", "/api/v1/x/"])
    async def test_is_an_answer_with_an_id(self, path: str, caplog: pytest.LogCaptureFixture) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise RuntimeError

        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await Front(app)({"type": "http", "method": "GET", "path": path, "headers": [(b"x-request-id", b"abc")]}, None, send)
        assert sent[0]["status"] == 500
        assert (b"x-request-id", b"abc") in sent[0]["headers"]
        body = sent[1]["body"].decode()
        assert "Something went wrong" in (json.loads(body)["error"] if path.startswith("/api/") else body)
        assert "Request abc broke." in caplog.text


class TestHsts:
    @pytest.fixture(autouse=True)
    def production(self, settings: Any) -> None:
        settings.SECURE_HSTS_SECONDS = 3600
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    @pytest.mark.parametrize("path", ANSWERS)
    async def test_is_said_by_everybody_over_tls(self, path: str, settings: Any) -> None:
        _, headers, _ = await Caller(leaves=True).ask("GET", path, {"X-Forwarded-Proto": "https"})
        assert headers[HSTS] == "max-age=3600"
        for scheme in ({"X-Forwarded-Proto": "http"}, {}):
            _, headers, _ = await Caller(leaves=True).ask("GET", path, scheme)
            assert HSTS not in headers

    @pytest.mark.parametrize("path", ["/sign-in/", "/static/none.js"])
    async def test_is_as_the_settings_have_it(self, path: str, settings: Any) -> None:
        settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
        _, headers, _ = await Caller().ask("GET", path, {"X-Forwarded-Proto": "https"})
        assert headers[HSTS] == "max-age=3600; includeSubDomains; preload"

    async def test_may_be_off(self, settings: Any) -> None:
        settings.SECURE_HSTS_SECONDS = 0
        for path in ANSWERS:
            _, headers, _ = await Caller(leaves=True).ask("GET", path, {"X-Forwarded-Proto": "https"})
            assert HSTS not in headers
