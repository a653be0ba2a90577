"""The transport: one URL gives a page or, to htmx, its fragment; refusals are notices; several fragments travel in one answer."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib.messages import ERROR, get_messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

from agentos.core.fragments import fragment

VARY = ("HX-Request", "HX-Request-Type")


def wants_fragment(request: HttpRequest) -> bool:
    """Return True when htmx asked for a part of the page, not for a page to go to."""
    htmx = details(request)
    return bool(htmx) and not htmx.boosted and htmx.request_type != "full"


def details(request: HttpRequest) -> HtmxDetails:
    """What django-htmx has read of the request; its middleware is the first, so that error pages have it too."""
    found: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return found


def respond(
    request: HttpRequest,
    *,
    page: str,
    partial: str,
    context: Mapping[str, Any],
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return the page, or to htmx the partial of it. Both say that they vary."""
    answer = render(request, partial if wants_fragment(request) else page, dict(context), status=status)
    patch_vary_headers(answer, VARY)
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def fragments(request: HttpRequest, *parts: str, status: int = HTTPStatus.OK) -> HttpResponse:
    """Return several fragments in one answer, and the notices that wait."""
    answer = HttpResponse("".join((*parts, waiting_notices(request))), status=status)
    patch_vary_headers(answer, VARY)
    return answer


def waiting_notices(request: HttpRequest) -> str:
    """Return the messages that wait for this user as a fragment, or nothing."""
    if not get_messages(request):
        return ""
    html = render_to_string("shared/_notices.html#items", request=request).strip()
    return fragment(html, "#notices", "beforeend") if html else ""


def notice(sentence: str, status: int) -> HttpResponse:
    """Answer htmx with a sentence in the corner: what the person was doing stays as it is."""
    answer = HttpResponse(render_to_string("shared/_notices.html#items", {"messages": [Message(ERROR, sentence)]}), status=status)
    answer.headers["HX-Retarget"] = "#notices"
    answer.headers["HX-Reswap"] = "beforeend"
    patch_vary_headers(answer, VARY)
    return answer


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser on after a POST: 303, or to htmx the header that makes it load the page."""
    if wants_fragment(request):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER)


def came_from(request: HttpRequest) -> str:
    """Return the path of the page from which htmx sent this request; empty for any other request."""
    return (details(request).current_url_abs_path or "").partition("?")[0]
