"""The settings page of API tokens: a list, a form, and a new token's text, shown once."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access import actions
from agentos.access.forms import TokenForm
from agentos.access.guards import signed_in
from agentos.access.queries import listed_tokens, tokens_for
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to, respond, wants_fragment
from agentos.core.http.request import SignedInRequest


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return tokens_page(request, form=TokenForm())
    form = TokenForm(request.POST)
    if not form.is_valid():
        return tokens_page(request, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        token, secret = actions.create_token(by=request.user, **form.cleaned_data)
    except actions.InvalidToken as refused:
        form.add_error(refused.field, str(refused))
        return tokens_page(request, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except Problem as problem:
        form.add_error(None, problem.sentence)
        return tokens_page(request, form=form, status=problem.status, headers=problem.headers)
    return tokens_page(request, form=TokenForm(), token=token, secret=secret, status=HTTPStatus.CREATED)


@signed_in
@require_POST
def revoke(request: SignedInRequest, token_id: int) -> HttpResponse:
    token = tokens_for(request.user).filter(pk=token_id).first()
    if token is None:
        raise Http404
    actions.revoke_token(by=request.user, token=token)
    if wants_fragment(request):
        return tokens_page(request, form=TokenForm())
    return go_to(request, reverse("dashboard:tokens"))


def tokens_page(
    request: SignedInRequest, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None, **context: Any
) -> HttpResponse:
    return respond(
        request,
        page="agentos/tokens.html",
        partial="settings/_tokens.html",
        context={"tab": "tokens", "tokens": listed_tokens(request.user), **context},
        status=status,
        headers={**(headers or {}), **({"HX-Reswap": "outerHTML"} if status >= HTTPStatus.BAD_REQUEST else {})},
    )
