"""The settings page of the person: their name, and how they want the pages."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access import actions
from agentos.access.forms import PersonForm
from agentos.access.guards import signed_in
from agentos.access.models import Preferences
from agentos.access.queries import preferences_of
from agentos.core import people
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: SignedInRequest) -> HttpResponse:
    """A plain form, also with JavaScript: what was chosen shows on the page that comes next."""
    form = PersonForm(request.POST if request.method == "POST" else None, initial=initial_of(request))
    if form.is_valid():
        chosen = dict(form.cleaned_data)
        if "name" in chosen:
            actions.change_name(name=chosen.pop("name"), by=request.user)
        actions.change_preferences(by=request.user, **chosen)
        messages.success(request, "Saved.")
        return go_to(request, reverse("dashboard:person"))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "agentos/person.html", {"tab": "person", "form": form}, status=status)


@signed_in
@require_POST
def theme(request: SignedInRequest) -> HttpResponse:
    """Keep what the button of every page has chosen, and shows already."""
    try:
        actions.change_preferences(by=request.user, theme=request.POST.get("theme", ""))
    except actions.InvalidPreference as error:
        return HttpResponse(error.sentence, status=error.status, content_type="text/plain")
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def initial_of(request: SignedInRequest) -> dict[str, object]:
    wants = preferences_of(request.user)
    return {
        "name": next((getattr(request.user, column) for column in people.name_columns()), ""),
        "theme": wants.theme or Preferences.Theme.SYSTEM,
        "enter_sends": wants.enter_sends,
        "spoken": wants.spoken,
    }
