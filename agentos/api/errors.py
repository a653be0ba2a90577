"""Every error of a call as the one envelope: our own are `Problem`s and say themselves how they are answered."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from agentos.api.schemas import Refused
from agentos.core.http.errors import Problem, bad_request, envelope
from agentos.core.http.strict_json import invalid

# The statuses that an operation declares beside its own.
READ: Mapping[int, Any] = dict.fromkeys((400, 401, 403, 405, 422, 429, 500, 503), Refused)
FIND: Mapping[int, Any] = {**READ, 404: Refused}
CHANGE: Mapping[int, Any] = {**FIND, **dict.fromkeys((409, 413, 415), Refused)}
START: Mapping[int, Any] = {**CHANGE, 402: Refused}
SEND: Mapping[int, Any] = {**START, **dict.fromkeys((502, 504), Refused)}


def missing(fields: Iterable[str]) -> Problem:
    return Problem(422, f"Missing fields: {', '.join(fields)}.", code="missing_fields")


def add_error_handlers(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Problem: lambda request, problem: problem.answer(request),
        ValidationError: _invalid,
        HttpError: _http_error,
        Http404: lambda request, _: envelope(request, 404),
        SuspiciousOperation: bad_request,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer ninja's own errors; what the parser found wrong with a body is their cause."""
    if isinstance(error.__cause__, Problem):
        return error.__cause__.answer(request)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return envelope(request, error.status_code, headers={"WWW-Authenticate": "Bearer"})
    return envelope(request, error.status_code)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _problem_of(error.errors).answer(request)


def _problem_of(errors: list[dict[str, Any]]) -> Problem:
    """Name the fields that are missing, otherwise the first one that is wrong."""
    absent = [_field(error) for error in errors if error["type"] in {"missing", "union_tag_not_found"}]
    if "" in absent:
        return invalid(because="the body is empty")
    if absent:
        return missing(absent)
    field, message = _field(errors[0]), errors[0]["msg"]
    if not field:
        return Problem(422, "The body must be a JSON object.")
    return Problem(422, f"{field}: {message}.")


def _field(error: dict[str, Any]) -> str:
    """Return the name of the field, empty for the body as a whole."""
    if error["type"].startswith("union_tag"):
        return str(error["ctx"]["discriminator"]).strip("'")
    return "" if len(error["loc"]) <= len(("body", "payload")) and error["loc"][0] == "body" else str(error["loc"][-1])


def _unexpected(_request: HttpRequest, error: Exception) -> NoReturn:
    """Leave it to the URLconf's handler, which logs it and tells a database that is down from a defect."""
    raise error
