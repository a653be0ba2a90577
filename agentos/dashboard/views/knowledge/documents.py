"""A document of a base, a page at a time, with the passage that a source leads to."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.rendering import markdown
from agentos.core.text import whole_number
from agentos.dashboard.layout import frame
from agentos.dashboard.views.knowledge.bases import document_of
from agentos.knowledge import actions, queries
from agentos.knowledge.models import Document, Page

SHOWN = 60_000  # characters of a page


@signed_in
@require_safe
def document(request: SignedInRequest, document_id: int) -> HttpResponse:
    """``page``: which; ``from`` and ``to``: the characters of a passage on it, which is marked."""
    found = document_of(request, document_id)
    number = min(max(1, whole_number(request.GET.get("page", "")) or 1), max(1, found.page_count))
    page = queries.page_of(found, number)
    before, passage, after = _cut(page, whole_number(request.GET.get("from", "")), whole_number(request.GET.get("to", "")))
    context = {
        "document": found,
        "base": found.base,
        "may_edit": queries.may_edit(request.user, found.base),
        "page": page,
        "number": number,
        "pieces": {
            name: markdown.render(text) for name, text in (("before", before), ("passage", passage), ("after", after)) if text.strip()
        },
        "outline": found.outline[:200],
    }
    return render(request, "agentos/knowledge/document.html", {**frame(request, here="knowledge"), **context})


def _cut(page: Page | None, start: int | None, end: int | None) -> tuple[str, str, str]:
    """Return what is before a passage, the passage, and what is after it; without one, all is before."""
    text = page.text[:SHOWN] if page else ""
    if start is None or end is None or not 0 <= start < end <= len(text):
        return text, "", ""
    return text[:start], text[start:end], text[end:]


def _rendered(text: str) -> str:
    return markdown.render(text) if text.strip() else ""


@signed_in
@require_POST
def again(request: SignedInRequest, document_id: int) -> HttpResponse:
    found = _to_edit(request, document_id)
    if actions.try_again(document=found, by=request.user):
        messages.success(request, _("It is read once more."))
    return go_to(request, reverse("dashboard:base", args=[found.base_id]))


@signed_in
@require_POST
def delete(request: SignedInRequest, document_id: int) -> HttpResponse:
    found = _to_edit(request, document_id)
    actions.delete_document(document=found, by=request.user)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": found})
    return go_to(request, reverse("dashboard:base", args=[found.base_id]))


def _to_edit(request: SignedInRequest, document_id: int) -> Document:
    found = document_of(request, document_id)
    if not queries.may_edit(request.user, found.base):
        raise PermissionDenied
    return found
