"""Answers that are not known yet: a caller waits, and no thread and no database connection waits with it."""

from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from agentos.core.errors import Problem

MAY_COME = "agentos.later"  # in a request's META: its server knows what to do with a ``Later``

Rest = Callable[[], Coroutine[Any, Any, HttpResponseBase]]


class Later(HttpResponse):
    """Stands for the answer of ``rest``, which the server awaits on its loop once the view has returned."""

    def __init__(self, request: HttpRequest, rest: Rest) -> None:
        super().__init__()
        self.request = request
        self.rest = rest


def later(request: HttpRequest, rest: Rest) -> HttpResponseBase:
    """Answer with what ``rest`` returns, or with the ``Problem`` that it raises.

    Call it from a sync view. Where the server is one of Django's own (the test client, ``runserver``) the request's thread waits here.
    """

    async def answer() -> HttpResponseBase:
        try:
            return await rest()
        except Problem as problem:
            return problem.answer(request)

    return Later(request, answer) if MAY_COME in request.META else async_to_sync(answer)()
