"""The page with an example for every way in and out: docs/integrations.md, with this server's own address in it."""

import re
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agentos.conf import project
from agentos.core.rendering import markdown

MARKS = re.compile(r"<!-- example: \S+ -->\n")  # by which the tests find the examples
TITLE = re.compile(r"# (.+)\n")
SECTION = re.compile(r"^#(#+ )", re.MULTILINE)  # the title is the page's own heading: one level is left out otherwise
PLACEHOLDER = "http://localhost:8000"


@cache
def text() -> str:
    page = (project.DOCS / "integrations.md").read_text(encoding="utf-8")
    return SECTION.sub(r"\1", MARKS.sub("", page))


@require_safe
def integrations(request: HttpRequest) -> HttpResponse:
    title, body = TITLE.split(text(), maxsplit=1)[1:]
    here = body.replace(PLACEHOLDER, request.build_absolute_uri("/").rstrip("/"))
    return render(request, "agentos/integrations.html", {"title": title, "text": markdown.render_cached(here, wrapped=True)})
