"""The knowledge bases that one may read, a new one, and one with its documents."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.access.models import Team
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to, wants_fragment
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.text import whole_number
from agentos.dashboard.layout import frame
from agentos.knowledge import actions, embedding, queries
from agentos.knowledge.models import Base, Document
from agentos.knowledge.searching import Hit, Question, search

BASES_A_PAGE = 50
DOCUMENTS_A_PAGE = 50
TEXT_LIMIT = 200  # characters of a search
HITS = 5


@signed_in
@require_safe
def bases(request: SignedInRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:TEXT_LIMIT]
    page = page_of(queries.listed_bases(request.user, text), whole_number(request.GET.get("page", "")) or 1, BASES_A_PAGE)
    context = {**frame(request, here="knowledge"), "page": page, "bases": page.rows, "text": text}
    return render(request, "agentos/knowledge/bases.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    teams = list(queries.teams_to_make_for(request.user))
    if request.method != "POST":
        return _new_page(request, teams, {"scope": actions.PERSON})
    scope = request.POST.get("scope", actions.PERSON)
    team = next((team for team in teams if f"team:{team.pk}" == scope), None)
    if scope.startswith("team:") and team is None:
        raise PermissionDenied
    try:
        made = actions.create_base(
            name=request.POST.get("name", ""),
            description=request.POST.get("description", ""),
            scope=scope,
            team=team,
            by=request.user,
        )
    except Problem as problem:
        return _new_page(request, teams, request.POST, errors={problem.field or "all": problem.sentence}, status=problem.status)
    messages.success(request, _("The knowledge base is made. Add documents to it."))
    return go_to(request, reverse("dashboard:base", args=[made.pk]))


def _new_page(request: SignedInRequest, teams: list[Team], values: Any, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    for team in teams:
        team.scope = f"team:{team.pk}"  # type: ignore[attr-defined]
    context = {"teams": teams, "values": values, "errors": {}, "may_make_for_all": is_operator(request.user), **more}
    return render(request, "agentos/knowledge/new.html", {**frame(request, here="knowledge"), **context}, status=status)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def base(request: SignedInRequest, base_id: int) -> HttpResponse:
    """Its documents, what may be added, and its form for who may change it."""
    if request.method != "POST":
        return base_page(request, base_to_see(request, base_id))
    found = base_to_edit(request, base_id)
    try:
        actions.change_base(base=found, name=request.POST.get("name", ""), description=request.POST.get("description", ""), by=request.user)
    except Problem as problem:
        errors = {problem.field or "all": problem.sentence}
        return base_page(request, found, values=request.POST, errors=errors, status=problem.status)
    messages.success(request, _("Saved."))
    return go_to(request, reverse("dashboard:base", args=[base_id]))


@signed_in
@require_POST
def delete(request: SignedInRequest, base_id: int) -> HttpResponse:
    found = base_to_edit(request, base_id)
    actions.delete_base(base=found, by=request.user)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": found})
    return go_to(request, reverse("dashboard:knowledge"))


@signed_in
@require_POST
def again(request: SignedInRequest, base_id: int) -> HttpResponse:
    """Try all documents again that failed."""
    actions.try_all_again(base=base_to_edit(request, base_id), by=request.user)
    return go_to(request, reverse("dashboard:base", args=[base_id]))


def base_to_see(request: SignedInRequest, base_id: int) -> Base:
    if found := queries.base_for(request.user, base_id):
        return found
    raise Http404


def base_to_edit(request: SignedInRequest, base_id: int) -> Base:
    """Raises PermissionDenied for who may only read it."""
    found = base_to_see(request, base_id)
    if not queries.may_edit(request.user, found):
        raise PermissionDenied
    return found


def base_page(request: SignedInRequest, found: Base, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    """``values``, ``errors``: of a form that could not be taken."""
    text, asked = (request.GET.get(name, "").strip()[:TEXT_LIMIT] for name in ("q", "ask"))
    state = request.GET.get("state", "")
    page = page_of(
        queries.documents_of(found, text, state).select_related("by"), whole_number(request.GET.get("page", "")) or 1, DOCUMENTS_A_PAGE
    )
    hits = _hits(found, asked) if asked else []
    context = {
        "base": found,
        "may_edit": queries.may_edit(request.user, found),
        "page": page,
        "documents": page.rows,
        "text": text,
        "state": state,
        "counts": queries.listed_bases(request.user).get(pk=found.pk),
        "values": {"name": found.name, "description": found.description},
        "errors": {},
        "asked": asked,
        "hits": hits,
        "any_fits": any(hit.fits for hit in hits),
        "is_by_meaning": bool(embedding.model()),
        **more,
    }
    if wants_fragment(request) and status == HTTPStatus.OK:
        return render(request, "agentos/knowledge/base.html#documents", context)
    return render(request, "agentos/knowledge/base.html", {**frame(request, here="knowledge"), **context}, status=status)


def _hits(found: Base, asked: str) -> list[Hit]:
    """Return what is found by words: a look into a base waits for no model."""
    return search([found.pk], Question(asked), HITS)


def document_of(request: SignedInRequest, document_id: int) -> Document:
    if found := queries.document_for(request.user, document_id):
        return found
    raise Http404
