"""The guards, in front of sync and async views, functions and classes."""

from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.views import View

from agentos.access.actions import reinstate_user, suspend_user
from agentos.access.guards import SignedInMixin, operator_only, signed_in
from agentos.access.models import User


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user), headers={"Type": type(request.user).__name__})


async def async_answer(request: HttpRequest) -> HttpResponse:
    return answer(request)


class Page(SignedInMixin, View):
    def get(self, request: HttpRequest) -> HttpResponseBase:
        return answer(request)


class AsyncPage(SignedInMixin, View):
    async def get(self, request: HttpRequest) -> HttpResponseBase:
        return await async_answer(request)


urlpatterns = [
    path("function/", signed_in(answer)),
    path("async-function/", signed_in(async_answer)),
    path("class/", Page.as_view()),
    path("async-class/", AsyncPage.as_view()),
    path("operators/", operator_only(answer)),
    path("async-operators/", operator_only(async_answer)),
    path("sign-in/", answer, name="sign-in"),
]
ALL = ["/function/", "/async-function/", "/class/", "/async-class/"]


@pytest.fixture(autouse=True)
def these_urls() -> Any:
    from django.urls import include

    module = type("Urls", (), {"urlpatterns": [path("", include((urlpatterns, "access")))]})
    with override_settings(ROOT_URLCONF=module):
        yield


@pytest.mark.parametrize("url", ALL)
class TestSignedIn:
    def test_lets_a_signed_in_user_pass(self, url: str, as_member: Client) -> None:
        assert as_member.get(url).content == b"member@example.com"

    def test_gives_the_view_the_user_and_not_a_promise_of_one(self, url: str, as_member: Client) -> None:
        assert as_member.get(url).headers["Type"] == "User"

    def test_redirects_a_page_to_the_sign_in(self, url: str, anonymous: Client) -> None:
        response = anonymous.get(f"{url}?q=a%26b")
        assert (response.status_code, response["Location"]) == (302, f"/sign-in/?next={url.replace('/', '%2F')}%3Fq%3Da%2526b")

    def test_does_not_come_back_to_a_form_that_was_posted(self, url: str, anonymous: Client) -> None:
        assert anonymous.post(url).headers["Location"] == "/sign-in/"

    def test_tells_htmx_to_open_the_sign_in_page(self, url: str, anonymous: Client) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/agentos/?tab=1"}
        response = anonymous.get(url, headers=headers)
        assert (response.status_code, response["HX-Redirect"]) == (401, "/sign-in/?next=%2Fagentos%2F%3Ftab%3D1")
        assert response.content == b""

    def test_ignores_a_current_url_of_another_host(self, url: str, anonymous: Client) -> None:
        response = anonymous.get(url, headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example/x"})
        assert response["HX-Redirect"] == "/sign-in/"

    def test_answers_an_event_stream_with_401(self, url: str, anonymous: Client) -> None:
        assert anonymous.get(url, headers={"Accept": "text/event-stream"}).status_code == 401

    def test_signs_a_suspended_user_out_at_the_next_request(self, url: str, as_member: Client, member: User, operator: User) -> None:
        assert as_member.get(url).status_code == 200
        suspend_user(user=member, by=operator)
        assert as_member.get(url).status_code == 302
        reinstate_user(user=member, by=operator)
        assert as_member.get(url).status_code == 302


class TestSignedInOnALoop:
    @pytest.mark.parametrize("url", ALL)
    async def test_gives_the_view_a_user_that_costs_no_query(self, url: str, member: User) -> None:
        client = AsyncClient()
        await client.aforce_login(member)
        assert (await client.get(url)).content == b"member@example.com"


class TestOperatorOnly:
    @pytest.mark.parametrize("url", ["/operators/", "/async-operators/"])
    def test_is_for_operators(self, url: str, as_operator: Client, as_owner: Client, anonymous: Client) -> None:
        assert as_operator.get(url).status_code == 200
        assert as_owner.get(url).status_code == 403
        assert anonymous.get(url).status_code == 302

    def test_raises_for_a_member(self, member: User, rf: Any) -> None:
        request = rf.get("/")
        request.user = member
        with pytest.raises(PermissionDenied):
            operator_only(answer)(request)


class TestGuardName:
    def test_stands_on_the_view(self) -> None:
        assert [getattr(view, "guard", "") for view in (signed_in(answer), Page.as_view(), AsyncPage.as_view())] == ["signed_in"] * 3
        assert getattr(operator_only(answer), "guard", "") == "operator_only"

    def test_a_guarded_view_stays_what_it_was(self) -> None:
        assert [iscoroutinefunction(signed_in(view)) for view in (answer, async_answer)] == [False, True]

    def test_is_missing_on_an_open_view(self) -> None:
        assert not hasattr(answer, "guard")
        assert not AnonymousUser().is_authenticated
