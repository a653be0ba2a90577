"""What an account is made of, on one page; where it is signed in; and its end."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.actions import AccessError
from agentos.access.guards import signed_in
from agentos.accounts import deleting, factors, providers, queries, sessions
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest


@signed_in
@require_safe
def account(request: SignedInRequest) -> HttpResponse:
    user = request.user
    context = {
        "tab": "account",
        "addresses": queries.addresses_of(user),
        "has_factor": factors.has_factor(user),
        "signed_in": sessions.of(user, request),
        "providers": providers.offered(),
        "connected": queries.connected_of(user),
        "deletion": deleting.of(user),
        "days": deleting.DAYS,
    }
    return render(request, "accounts/account.html", context)


@signed_in
@require_POST
def end_session(request: SignedInRequest, session_pk: int) -> HttpResponse:
    if not sessions.end(by=request.user, pk=session_pk):
        raise Http404
    messages.success(request, _("It is signed out."))
    return go_to(request, reverse("accounts:account"))


@signed_in
@require_POST
def end_others(request: SignedInRequest) -> HttpResponse:
    sessions.end_all(user=request.user, by=request.user, request=request)
    messages.success(request, _("You are signed out everywhere else."))
    return go_to(request, reverse("accounts:account"))


@signed_in
@require_http_methods(["POST"])
def delete(request: SignedInRequest) -> HttpResponse:
    """Ask for the end of the account, or take that back."""
    try:
        if "undo" in request.POST:
            deleting.undo(by=request.user)
            messages.success(request, _("Your account stays."))
        else:
            deleting.confirm_with_password(request)
            deleting.ask(by=request.user)
            messages.success(request, _("Your account will be deleted. Until then you can take that back here."))
    except AccessError as error:
        messages.error(request, error.sentence)
    return go_to(request, reverse("accounts:account"))
