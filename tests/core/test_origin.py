"""The Origin and Sec-Fetch-Site rule, as a table."""

from typing import Any

import pytest
from django.test import RequestFactory

from agentos.core.http.origin import may_use_cookie

HOST = "testserver:8000"
SAME = f"http://{HOST}"
ORIGINS = {
    "same": SAME,
    "upper case": SAME.upper(),
    "other": "http://evil.example",
    "null": "null",
    "sibling": "http://sub.testserver:8000",
    "other port": "http://testserver:9000",
    "no port": "http://testserver",
    "other scheme": f"https://{HOST}",
    "user info": "http://testserver:8000@evil.example",
    "suffix": f"{SAME}.evil.example",
    "broken": "http://[",
    "trusted": "https://chat.example.com",
    "trusted subdomain": "https://a.example.org",
    "trusted, other scheme": "http://chat.example.com",
}
# Without Sec-Fetch-Site the origin's host and port decide; the scheme cannot, behind a proxy that ends TLS.
ALLOWED_BY_ORIGIN = {"same", "upper case", "other scheme"}
TRUSTED = {"trusted", "trusted subdomain"}


def allowed(method: str, site: str | None, origin: str | None) -> bool:
    headers = {"Host": HOST}
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    if origin is not None:
        headers["Origin"] = origin
    return may_use_cookie(RequestFactory().generic(method, "/", headers=headers))


@pytest.fixture(autouse=True)
def trusted(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example.com", "https://*.example.org"]


class TestMayUseCookie:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
    @pytest.mark.parametrize("site", ["same-origin", "none", "same-site", "cross-site", "nonsense", None])
    @pytest.mark.parametrize("origin", [*ORIGINS, None])
    def test_decides_by_the_table(self, method: str, site: str | None, origin: str | None) -> None:
        if origin in TRUSTED:
            expected = True
        elif site is not None:
            expected = site in {"same-origin", "none"}
        else:
            expected = origin is None or origin in ALLOWED_BY_ORIGIN
        assert allowed(method, site, ORIGINS[origin] if origin else None) is expected

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_lets_what_changes_nothing_pass(self, method: str) -> None:
        assert allowed(method, "cross-site", "http://evil.example")

    def test_believes_no_forwarded_host(self) -> None:
        headers = {"Host": HOST, "Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}
        assert not may_use_cookie(RequestFactory().post("/", headers=headers))
