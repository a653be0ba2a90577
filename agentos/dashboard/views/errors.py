"""Error pages, in the frame for whoever is signed in. To htmx every error is a notice, to a program an envelope."""

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from agentos.core.faults import fault_of
from agentos.core.http import errors
from agentos.core.http.htmx import notice, wants_fragment
from agentos.dashboard.layout import layout_for

NOT_FOUND = "There is nothing here that you can open. It may have been deleted, or it belongs to somebody else."
FORBIDDEN = "You may not do that."
FORM_TOO_OLD = "This page was open for too long to be sent. Nothing was changed. Reload it and try again."
BAD_REQUEST = "The server did not understand that. Nothing was changed."
TOO_LARGE = "That is too large to be sent. Nothing was changed."
SERVER_ERROR = "Something went wrong on the server. What was saved is safe. Try again; if it happens again, tell your administrator."


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, "agentos/errors/404.html", HTTPStatus.NOT_FOUND, NOT_FOUND)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, "agentos/errors/403.html", HTTPStatus.FORBIDDEN, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old (the setting CSRF_FAILURE_VIEW)."""
    return error_page(request, "agentos/errors/403.html", HTTPStatus.FORBIDDEN, FORM_TOO_OLD)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    answer = errors.bad_request(request, exception)
    if is_for_htmx(request):
        return notice(TOO_LARGE if answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else BAD_REQUEST, answer.status_code)
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    answer = errors.server_error(request)
    if is_for_htmx(request):
        fault = fault_of(sys.exc_info()[1])
        return notice((fault and fault.sentence) or SERVER_ERROR, answer.status_code)
    return answer


def error_page(request: HttpRequest, template: str, status: int, sentence: str) -> HttpResponse:
    if errors.wants_json(request):
        return errors.envelope(request, status)
    if is_for_htmx(request):
        return notice(sentence, status)
    return render(request, template, {**layout_for(request), "error": sentence}, status=status)


def is_for_htmx(request: HttpRequest) -> bool:
    return not errors.wants_json(request) and wants_fragment(request)
