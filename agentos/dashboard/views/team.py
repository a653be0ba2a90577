"""The pages of teams, for those who are in them: people with their roles, invitations, leaving; and how an invitation is followed."""

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access import actions, invitations, team_queries
from agentos.access.forms import InvitationForm, TeamForm
from agentos.access.guards import sign_in_first, signed_in
from agentos.access.models import Membership
from agentos.agents.queries import agents_of_team
from agentos.chat import budgets
from agentos.connections.queries import servers_for
from agentos.core import people
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest, user_of
from agentos.core.text import whole_number
from agentos.webhooks.outbound.queries import endpoints_for

A_PAGE = 50


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def teams(request: SignedInRequest) -> HttpResponse:
    """One's own teams; to operators all of them. A POST of an operator makes one."""
    if request.method != "POST":
        return _list(request, TeamForm())
    if not people.is_operator(request.user):
        raise PermissionDenied
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _list(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    address = form.cleaned_data["owner"].lower()
    owner = team_queries.with_address(address) if address else request.user
    try:
        made = actions.create_team(name=form.cleaned_data["name"], owner=owner, by=request.user)
    except actions.AccessError as wrong:
        form.add_error("name", wrong.sentence)
        return _list(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if owner is None:
        return _invite(request, team_queries.Seen(made, Membership.Role.OWNER), InvitationForm({"email": address, "role": "owner"}))
    messages.success(request, _("The team is there. Invite its people."))
    return go_to(request, reverse("dashboard:team", args=[made.pk]))


def _list(request: SignedInRequest, form: TeamForm, status: int = HTTPStatus.OK) -> HttpResponse:
    is_operator = people.is_operator(request.user)
    text = request.GET.get("q", "").strip()[:100]
    about = {
        "tab": "teams",
        "memberships": team_queries.listed(request.user),
        "page": page_of(team_queries.all_teams(text), whole_number(request.GET.get("page", "")) or 1, A_PAGE) if is_operator else None,
        "text": text,
        "form": form,
    }
    return render(request, "agentos/teams/teams.html", about, status=status)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def team(request: SignedInRequest, team_id: int) -> HttpResponse:
    """A POST invites somebody."""
    seen = _seen(request, team_id)
    if request.method != "POST":
        return _page(request, seen, InvitationForm())
    _manage(seen)
    return _invite(request, seen, InvitationForm(request.POST))


def _invite(request: SignedInRequest, seen: team_queries.Seen, form: InvitationForm) -> HttpResponse:
    if not form.is_valid():
        return _page(request, seen, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        invitation, link = invitations.invite(team=seen.team, by=request.user, **form.cleaned_data)
    except invitations.InvalidInvitation as wrong:
        form.add_error(wrong.field, wrong.sentence)
        return _page(request, seen, form, status=wrong.status)
    except Problem as problem:
        form.add_error(None, problem.sentence)
        return _page(request, seen, form, status=problem.status)
    return _page(request, seen, InvitationForm(), invitation=invitation, link=link, status=HTTPStatus.CREATED)


@signed_in
@require_POST
def change(request: SignedInRequest, team_id: int, membership_id: int) -> HttpResponse:
    """Give somebody another role, or take them out of the team; oneself, too."""
    seen = _seen(request, team_id)
    membership = team_queries.membership_of(seen.team, membership_id)
    if membership is None:
        raise Http404
    is_self = membership.user_id == request.user.pk
    try:
        if "remove" in request.POST:
            actions.remove_member(membership=membership, by=request.user)
            messages.success(request, _("You have left the team.") if is_self else _("They are not in the team any more."))
        else:
            actions.change_role(membership=membership, role=request.POST.get("role", ""), by=request.user)
            messages.success(request, _("Saved."))
    except actions.NotYourTeam:
        raise PermissionDenied from None
    except actions.AccessError as error:
        messages.error(request, error.sentence)
    is_gone = is_self and not team_queries.is_seen(request.user, seen.team.pk)
    return go_to(request, reverse("dashboard:teams") if is_gone else reverse("dashboard:team", args=[seen.team.pk]))


@signed_in
@require_POST
def revoke(request: SignedInRequest, team_id: int, invitation_id: int) -> HttpResponse:
    seen = _seen(request, team_id)
    _manage(seen)
    invitation = invitations.open_invitations().filter(team=seen.team, pk=invitation_id).first()
    if invitation is None:
        raise Http404
    invitations.revoke(invitation=invitation, by=request.user)
    messages.success(request, _("The invitation does not work any more."))
    return go_to(request, reverse("dashboard:team", args=[seen.team.pk]))


@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Remember which invitation it is, and go on at once: its text is to stand in no Referer. Nothing is used up by that."""
    invitation = invitations.of_token(token)
    if invitation is None:
        return _is_over(request)
    invitations.remember(request.session, invitation)
    return redirect("dashboard:invitation-here")


@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponseBase:
    found = invitations.of_session(request.session)
    if found is None:
        return _is_over(request)
    if not request.user.is_authenticated:
        has_account = team_queries.has_account(found.email)
        return redirect("account_signup") if invitations.can_sign_up() and not has_account else sign_in_first(request)
    user = user_of(request)
    is_theirs = people.address_of(user).lower() == found.email
    if request.method == "POST" and is_theirs:
        try:
            invitations.accept(invitation=found, by=user)
        except invitations.InvitationIsOver:
            return _is_over(request)
        invitations.forget(request.session)
        return go_to(request, reverse("dashboard:team", args=[found.team_id]) if found.team_id else reverse("dashboard:home"))
    status = HTTPStatus.OK if is_theirs else HTTPStatus.FORBIDDEN
    return render(request, "agentos/teams/invitation.html", {"invitation": found, "is_theirs": is_theirs}, status=status)


def _is_over(request: HttpRequest) -> HttpResponse:
    return render(request, "agentos/teams/invitation.html", status=HTTPStatus.GONE)


def _seen(request: SignedInRequest, team_id: int) -> team_queries.Seen:
    seen = team_queries.seen_by(request.user, team_id)
    if seen is None:
        raise Http404
    return seen


def _manage(seen: team_queries.Seen) -> None:
    if not seen.manages:
        raise PermissionDenied


def _page(request: SignedInRequest, seen: team_queries.Seen, form: InvitationForm, *, status: int = 200, **context: object) -> HttpResponse:
    about = {
        "tab": "teams",
        "team": seen.team,
        "role": seen.role,
        "manages": seen.manages,
        "people": team_queries.people_of(seen.team),
        "roles": Membership.Role.choices,
        "invitations": list(invitations.open_invitations().filter(team=seen.team)) if seen.manages else [],
        "agents": agents_of_team(seen.team),
        **(_managed(request, seen) if seen.manages else {}),
        "form": form,
        "mails_work": invitations.mails_work(),
    }
    return render(request, "agentos/teams/team.html", {**about, **context}, status=status)


def _managed(request: SignedInRequest, seen: team_queries.Seen) -> dict[str, object]:
    """What else belongs to the team, as far as this user manages it: operators see webhooks of teams that they are in."""
    return {
        "budgets": budgets.of_team(seen.team),
        "webhooks": endpoints_for(request.user).filter(team=seen.team),
        "servers": servers_for(request.user).filter(team=seen.team),
    }
