"""Answers that are not known yet: a caller waits, and no thread and no database connection waits with it."""

from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from agentos.core.http.errors import Problem

MAY_COME = "agentos.deferred"  # in a request's META: its server knows what to do with a ``Deferred``

Finish = Callable[[], Coroutine[Any, Any, HttpResponseBase]]


class Deferred(HttpResponse):
    """Stands for the answer of ``finish``, which the server awaits on its loop once view and middleware are done. What the middleware
    sets here, the answer gets (site_config/requests.py)."""

    def __init__(self, request: HttpRequest, finish: Finish) -> None:
        super().__init__()
        self.request = request
        self.finish = finish


def deferred(request: HttpRequest, finish: Finish) -> HttpResponseBase:
    """Answer with what ``finish`` returns, or with the ``Problem`` that it raises.

    Call it from a sync view. Where the server is one of Django's own (the test client, ``runserver``) the request's thread waits here.
    """

    async def answer() -> HttpResponseBase:
        try:
            return await finish()
        except Problem as problem:
            return problem.answer(request)

    return Deferred(request, answer) if MAY_COME in request.META else async_to_sync(answer)()
