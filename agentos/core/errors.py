"""The one shape of every error that a program is answered: ``{"success": false, "error": "...", "response": null}``.

Three nets under one another: a face raises or answers with ``envelope``; the URLconf's handlers turn Django's own errors
into it; and the middleware ``json_errors`` replaces whatever else would leave with a status of 400 or more.
"""

import logging
import secrets
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

logger = logging.getLogger(__name__)

JSON_PATHS = ("/api/", "/agentos/webhook/", "/v1/")
RETRY_SECONDS = 5  # until a database that is down is worth another try

# What a program reads in X-Error-Code, and what a person reads, when whoever refused said nothing of their own.
DEFAULTS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request could not be understood."),
    401: ("authentication_error", "Sign in first."),
    402: ("quota_reached", "Your plan's allowance is used up."),
    403: ("forbidden", "You may not do that."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer to that method."),
    409: ("conflict", "That is not possible in the present state."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "Send JSON, with the header Content-Type: application/json."),
    422: ("invalid_fields", "A field has a value that cannot be used."),
    429: ("too_many_requests", "That was too much at once. Try again later."),
    500: ("agentos_error", "Something went wrong on the server. It has been noted."),
    502: ("run_failed", "The agent's answer failed."),
    503: ("unavailable", "The service is not available now. Try again in a moment."),
    504: ("not_finished", "The answer is not finished yet."),
}

# How errors look below an address where another protocol is spoken: of status, sentence, code and the field that is wrong.
SHAPES: dict[str, Callable[[int, str, str, str], dict[str, Any]]] = {}


class Problem(Exception):
    """A refusal, raised by whoever finds it and answered as an envelope by the face."""

    def __init__(self, status: int, sentence: str = "", *, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, sentence)
        self.status = status
        self.sentence = sentence
        self.code = code
        self.headers = headers or {}

    def answer(self, request: HttpRequest) -> JsonResponse:
        return envelope(request, self.status, self.sentence, code=self.code, headers=self.headers)


def wants_json(request: HttpRequest) -> bool:
    """Return True below the addresses that programs call, where nothing but JSON may be answered."""
    return request.path_info.startswith(JSON_PATHS)


def request_id(request: HttpRequest) -> str:
    """Return the id under which the log knows this request; the same for its whole life."""
    if "agentos.request_id" not in request.META:
        request.META["agentos.request_id"] = f"req_{secrets.token_hex(8)}"
    found: str = request.META["agentos.request_id"]
    return found


def envelope(
    request: HttpRequest, status: int, sentence: str = "", *, code: str = "", headers: Mapping[str, str] | None = None, field: str = ""
) -> JsonResponse:
    """Return the error answer. What is left empty is filled from the status; ``field`` is said where the protocol has a place for it."""
    usual_code, usual_sentence = DEFAULTS.get(status) or DEFAULTS[500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400]
    shape = next((shape for path, shape in SHAPES.items() if request.path_info.startswith(path)), _shape)
    response = JsonResponse(shape(status, sentence or usual_sentence, code or usual_code, field), status=status, headers=headers)
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["X-Error-Code"] = code or usual_code
    response.headers["X-Request-ID"] = request_id(request)
    response.is_envelope = True  # type: ignore[attr-defined]
    return response


def _shape(_status: int, sentence: str, _code: str, _field: str) -> dict[str, Any]:
    return {"success": False, "error": sentence, "response": None}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django calls suspicious: a wrong host, a body that is too large (the URLconf's ``handler400``)."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    if wants_json(request):
        return envelope(request, status)
    response = defaults.bad_request(request, exception)
    response.status_code = status
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that nobody caught (the URLconf's ``handler500``)."""
    error = sys.exc_info()[1]
    logger.error("Request %s failed: %s", request_id(request), type(error).__name__)
    status = _status_of(error)
    response = envelope(request, status) if wants_json(request) else defaults.server_error(request)
    response.status_code = status
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _status_of(error: BaseException | None) -> int:
    if isinstance(error, OperationalError | InterfaceError):
        return 503  # the database is down
    if isinstance(error, DataError):
        return 400  # somebody sent what the database cannot hold, such as a NUL in an address
    return 500
