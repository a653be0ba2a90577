"""One URL, a page or its fragment; notices that ride along."""

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from agentos.core.http import htmx


def asked(request: HttpRequest) -> HttpRequest:
    """The request as it comes through django-htmx's middleware."""
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return request


class TestWantsFragment:
    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({}, False),
            ({"HX-Request": "true"}, True),
            ({"HX-Request": "true", "HX-Request-Type": "partial"}, True),
            ({"HX-Request": "true", "HX-Request-Type": "full"}, False),
            ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ],
    )
    def test_knows_a_part_from_a_page(self, rf: RequestFactory, headers: dict[str, str], expected: bool) -> None:
        assert htmx.wants_fragment(asked(rf.get("/", headers=headers))) is expected


class TestGoTo:
    def test_redirects_a_browser_after_its_post(self, rf: RequestFactory) -> None:
        answer = htmx.go_to(asked(rf.post("/")), "/there/")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/there/")

    def test_tells_htmx_by_a_header(self, rf: RequestFactory) -> None:
        answer = htmx.go_to(asked(rf.post("/", headers={"HX-Request": "true"})), "/there/")
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/there/")


class TestNotice:
    def test_leaves_the_page_as_it_is(self) -> None:
        answer = htmx.notice("No <b>", 409)
        assert (answer.status_code, answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (409, "#notices", "beforeend")
        assert b"No &lt;b&gt;" in answer.content
        assert "HX-Request" in answer.headers["Vary"]


class TestCameFrom:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [("http://testserver/a/b/?c=d", "/a/b/"), ("https://elsewhere.example/a/", ""), ("", ""), ("nonsense", "")],
    )
    def test_is_a_path_of_ours(self, rf: RequestFactory, url: str, expected: str) -> None:
        assert htmx.came_from(asked(rf.get("/", headers={"HX-Request": "true", "HX-Current-URL": url}))) == expected
