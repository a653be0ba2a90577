"""The one way from a form of ours to another site: to a sign-in page, or to where one pays."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from agentos.core.http.htmx import details


def leave_to(request: HttpRequest, url: str, name: str = "") -> HttpResponse:
    """Answer a POST with a page that goes on to ``url`` by itself, and has a link for where it does not. ``name``: what people call it.

    A redirect would not get there: ``form-action 'self'`` counts for all that a form leads to, and nobody can list the hosts that such a
    site sends on to. Needs no database. Raises ValueError for what is no address of the web.
    """
    if urlsplit(url).scheme not in {"https", "http"} or not urlsplit(url).hostname:
        raise ValueError("One can leave to an address of the web only.")
    if details(request):
        return HttpResponse(headers={"HX-Redirect": url})
    host = urlsplit(url).hostname
    return HttpResponse(render_to_string("agentos/leaving.html", {"url": url, "name": name or host, "host": host}))
