"""The operators' pages of people: who there is, what one may use and why, and what is done for them."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access import invitations
from agentos.access.actions import AccessError
from agentos.access.guards import operator_only
from agentos.accounts import deleting, factors, queries, sessions
from agentos.accounts import people as rules
from agentos.accounts.forms import InviteForm
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number

A_PAGE = 50
DONE = {
    "suspend": gettext_lazy("The account is suspended, and signed out everywhere."),
    "reinstate": gettext_lazy("The account is open again."),
    "sign-out": gettext_lazy("They are signed out everywhere."),
    "reset-factor": gettext_lazy("They sign in without a second factor now, and can set up another one."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def people(request: SignedInRequest) -> HttpResponse:
    """A POST invites somebody."""
    if request.method != "POST":
        return _list(request, InviteForm())
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _list(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        invitation, link = invitations.invite(by=request.user, **form.cleaned_data)
    except invitations.InvalidInvitation as wrong:
        form.add_error(wrong.field, wrong.sentence)
        return _list(request, form, status=wrong.status)
    except Problem as problem:
        form.add_error(None, problem.sentence)
        return _list(request, form, status=problem.status)
    return _list(request, InviteForm(), invitation=invitation, link=link, status=HTTPStatus.CREATED)


@require_safe
@operator_only
def person(request: SignedInRequest, user_pk: int) -> HttpResponse:
    user = rules.named(user_pk)
    if user is None:
        raise Http404
    context = {
        "tab": "people",
        "who": user,
        "memberships": rules.memberships_of(user),
        "plans": rules.held_plans(user),
        "has_factor": factors.has_factor(user),
        "connected": queries.connected_of(user),
        "count": sessions.count_of(user),
        "deletion": deleting.of(user),
        "rights": rules.rights_of(user),
    }
    return render(request, "accounts/one_person.html", context)


@require_POST
@operator_only
def do(request: SignedInRequest, user_pk: int) -> HttpResponse:
    user, what = rules.named(user_pk), request.POST.get("do", "")
    if user is None or what not in rules.DEEDS:
        raise Http404
    try:
        rules.DEEDS[what](user=user, by=request.user)
    except AccessError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, DONE[what])
    return go_to(request, reverse("accounts:person", args=[user.pk]))


@require_POST
@operator_only
def revoke(request: SignedInRequest, invitation_id: int) -> HttpResponse:
    invitation = invitations.open_invitations().filter(pk=invitation_id).first()
    if invitation is None:
        raise Http404
    invitations.revoke(invitation=invitation, by=request.user)
    messages.success(request, _("The invitation does not work any more."))
    return go_to(request, reverse("accounts:people"))


def _list(request: SignedInRequest, form: InviteForm, *, status: int = HTTPStatus.OK, **context: object) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:200]
    about = {
        "tab": "people",
        "page": page_of(rules.found(text), whole_number(request.GET.get("page", "")) or 1, A_PAGE),
        "text": text,
        "form": form,
        "invitations": list(invitations.open_invitations()[:A_PAGE]),
        "mails_work": invitations.mails_work(),
    }
    return render(request, "accounts/people.html", {**about, **context}, status=status)
