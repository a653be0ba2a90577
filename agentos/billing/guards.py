"""Pages that are only there where plans can be paid for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest

from agentos.billing import remote

View = Callable[..., Any]


def where_plans_are_paid(view: View) -> View:
    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not remote.is_on():
            raise Http404
        return view(request, *args, **kwargs)

    return call
