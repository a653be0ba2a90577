"""What a page was drawn from is gone when it is drawn: nothing of it waits for the garbage collector, which stops every answer."""

import gc

import pytest
from django.http import HttpResponse
from django.template.context import BaseContext
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views import View

from agentos.access.guards import SignedInMixin
from agentos.access.models import User


def left(kind: type) -> list[object]:
    return [thing for thing in gc.get_objects() if issubclass(type(thing), kind)]  # isinstance would ask what is lazy


class Thing:
    pass


class Greeting(SignedInMixin, View):
    def get(self, request: object) -> HttpResponse:
        return HttpResponse("Hello")


def test_a_template_lets_go_of_its_values(db: None, member: User) -> None:
    request = RequestFactory().get("/")
    request.user, request.htmx = member, False  # type: ignore[attr-defined]  # as the middleware leaves it
    gc.disable()
    try:
        before = len(left(BaseContext))
        render_to_string("shared/_notices.html", {"messages": [], "thing": Thing()}, request)
        assert left(Thing) == []
        assert len(left(BaseContext)) == before
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_view_lets_go_of_itself(method: str, db: None, member: User) -> None:
    request = getattr(RequestFactory(), method)("/")
    request.user, request.htmx = member, False
    gc.disable()
    try:
        Greeting.as_view()(request)
        assert left(Greeting) == []
    finally:
        gc.enable()


def test_a_page_has_a_head(as_member: Client) -> None:
    answer = as_member.head("/agentos/")
    assert (answer.status_code, answer.content) == (200, b"")
