"""The one shape of every error that a program is answered: ``{"success": false, "error": "...", "response": null}``.

Three nets under one another: a face raises or answers with ``envelope``; the URLconf's handlers turn Django's own errors
into it; and the middleware ``json_errors`` replaces whatever else would leave with a status of 400 or more.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.views import defaults

from agentos.conf import app_settings
from agentos.core.faults import fault_of
from agentos.core.http import request_log
from agentos.core.paths import is_below

logger = logging.getLogger(__name__)

FOR_PROGRAMS = ("api:api-root", "openai:api-root", "webhooks:agentos_webhook", "billing:events")  # and whatever is below
RETRY_SECONDS = 5  # until a database that is down is worth another try

# What a program reads in X-Error-Code, and what a person reads, when whoever refused said nothing of their own.
DEFAULTS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request could not be understood."),
    401: ("authentication_error", "Sign in first."),
    402: ("quota_reached", "Your plan's allowance is used up."),
    403: ("forbidden", "You may not do that."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer to that method."),
    408: ("too_slow", "The request did not come in time."),
    409: ("conflict", "That is not possible in the present state."),
    413: ("too_large", "The request is too large."),
    414: ("address_too_long", "The address of the request is too long."),
    415: ("unsupported_media_type", "Send JSON, with the header Content-Type: application/json."),
    416: ("no_such_range", "There is no such part of it."),
    422: ("invalid_fields", "A field has a value that cannot be used."),
    429: ("too_many_requests", "That was too much at once. Try again later."),
    431: ("headers_too_large", "The headers of the request are too large."),
    500: ("agentos_error", "Something went wrong on the server. It has been noted."),
    502: ("run_failed", "The agent's answer failed."),
    503: ("unavailable", "The service is not available now. Try again in a moment."),
    504: ("not_finished", "The answer is not finished yet."),
    507: ("disk_full", "The server's disk is full: nothing new can be stored until there is room again."),
    505: ("bad_request", "This server speaks HTTP/1.1."),
}

# How errors look below a view where another protocol is spoken: of status, sentence, code and the field that is wrong.
SHAPES: dict[str, Callable[[int, str, str, str], dict[str, Any]]] = {}


class Problem(Exception):
    """An error with a sentence for people: raised by whoever finds it, answered by the face. A subclass may set all but the sentence.

    ``field``: the field of the request that is wrong, if it is one.
    """

    status: int
    code: str = ""
    field: str = ""
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, status: int, sentence: str = "", *, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, sentence)
        self.status = status
        self.sentence = sentence
        self.code = code or self.code
        self.headers = headers or self.headers

    def __str__(self) -> str:
        return self.sentence

    def answer(self, request: HttpRequest) -> JsonResponse:
        return envelope(request, self.status, self.sentence, code=self.code, headers=self.headers, field=self.field)


def wants_json(request: HttpRequest) -> bool:
    """Return True below the addresses that programs call, where nothing but JSON may be answered."""
    return is_for_programs(request.path_info)


def is_for_programs(path: str) -> bool:
    return is_below(path, *FOR_PROGRAMS) or (app_settings.OWN_SITE and path.startswith("/api/"))


def request_id(request: HttpRequest) -> str:
    """Return the id under which the log knows this request; the same for its whole life."""
    scope: dict[str, Any] = getattr(request, "scope", request.META)  # Django's test client has none
    if request_log.ID not in scope:
        scope[request_log.ID] = request_log.new_id()
    found: str = scope[request_log.ID]
    return found


def envelope(
    request: HttpRequest, status: int, sentence: str = "", *, code: str = "", headers: Mapping[str, str] | None = None, field: str = ""
) -> JsonResponse:
    """Return the error answer. What is left empty is filled from the status."""
    usual_code, usual_sentence = usual(status)
    data = shaped(request.path_info, status, sentence or usual_sentence, code or usual_code, field)
    response = JsonResponse(data, status=status, headers=headers)
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["X-Error-Code"] = code or usual_code
    response.headers["X-Request-ID"] = request_id(request)
    response.is_envelope = True  # type: ignore[attr-defined]
    return response


def usual(status: int) -> tuple[str, str]:
    """Return the code and the sentence of a status."""
    return DEFAULTS.get(status) or DEFAULTS[500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400]


def shaped(path: str, status: int, sentence: str, code: str, field: str = "") -> dict[str, Any]:
    """Return what an error answer at this path says, in the shape of the protocol that is spoken there."""
    shape = next((shape for view, shape in SHAPES.items() if is_below(path, view)), _shape)
    return shape(status, sentence, code, field)


def _shape(_status: int, sentence: str, _code: str, field: str) -> dict[str, Any]:
    return {"success": False, "error": f"{field}: {sentence}" if field else sentence, "response": None}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django calls suspicious: a wrong host, a body that is too large (the URLconf's ``handler400``)."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    if fault_of(exception):
        request_log.be_quiet(getattr(request, "scope", None))
    if wants_json(request):
        return envelope(request, status)
    response = defaults.bad_request(request, exception, "agentos/errors/400.html")
    response.status_code = status
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that nobody caught (the URLconf's ``handler500``)."""
    error = sys.exc_info()[1]
    problem, fault = problem_of(error), fault_of(error)
    if fault:
        request_log.be_quiet(getattr(request, "scope", None))
    logger.error("Request %s failed: %s", request_id(request), type(error).__name__, exc_info=error if fault else None)
    if wants_json(request):
        return problem.answer(request)
    page = get_template("agentos/errors/500.html").render({"error": problem.sentence})
    return HttpResponse(page, status=problem.status, headers=problem.headers)


def problem_of(error: BaseException | None) -> Problem:
    """Return what is answered for an error that nobody expected. A database or disk that fails is told apart from a defect."""
    fault = fault_of(error)
    if isinstance(error, DataError):
        return Problem(400)  # somebody sent what the database cannot hold, such as a NUL in an address
    if fault and fault.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        status, sentence, code = fault.status, fault.sentence, fault.code
    else:
        status, sentence, code = (503 if isinstance(error, OperationalError | InterfaceError) else 500), "", ""
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, sentence, code=code, headers=headers)
