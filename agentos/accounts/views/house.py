"""How django-allauth's views answer here: our templates, 422 for what is wrong in a form, 429 for too much, our guards."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from agentos.access.guards import View, signed_in
from agentos.core.http.errors import Problem
from agentos.core.http.request import client_network
from agentos.core.ratelimit import limits

INSIDE, OUTSIDE, TOLD = "accounts/form.html", "accounts/outside.html", "accounts/told.html"
Count = Callable[[HttpRequest], object]


class WithOptions:
    """For views that ask the browser for a passkey: ``options``, what js/passkeys.js reads."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, "options": json.dumps(context.get("js_data", {}), cls=DjangoJSONEncoder)}


def by_network(name: str, limit: int, seconds: int = 60) -> Count:
    return lambda request: limits.check(name, client_network(request), limit=limit, seconds=seconds)


def by_user(name: str, limit: int, seconds: int = 60) -> Count:
    return lambda request: limits.check(name, str(request.user.pk), limit=limit, seconds=seconds)


def by_address(name: str, limit: int, seconds: int) -> Count:
    """Count what is sent to one address, and much more of it from one network."""

    def count(request: HttpRequest) -> None:
        limits.check(name, client_network(request), limit=limit * 10, seconds=seconds)
        limits.check(f"{name}-to", request.POST.get("email", "").strip().lower()[:254], limit=limit, seconds=seconds)

    return count


def house(view: View, *counts: Count, methods: str = "GET HEAD POST") -> View:
    """Return the view for anybody."""

    @sensitive_post_parameters()
    @require_http_methods(methods.split())
    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            for count in counts if request.method == "POST" else ():
                count(request)
            answer: HttpResponseBase = view(request, *args, **kwargs)
        except Problem as problem:
            told = render(request, TOLD, {"title": problem.sentence}, status=problem.status)
            for name, value in problem.headers.items():
                told.headers[name] = value
            return told
        form = (getattr(answer, "context_data", None) or {}).get("form")
        if request.method == "POST" and form is not None and form.is_bound and form.errors:
            answer.status_code = 422
        return answer

    return call


def mine(view: View, *counts: Count, methods: str = "GET HEAD POST") -> View:
    """Return the view for whoever is signed in."""
    return signed_in(house(view, *counts, methods=methods))
