"""The settings page of the person: their name, and how they want the pages."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotFound
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access import actions
from agentos.access.forms import PersonForm
from agentos.access.guards import signed_in
from agentos.access.models import Preferences
from agentos.access.queries import picture_of, preferences_of
from agentos.core import people, pictures
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.ratelimit import limits

PICTURES_A_MINUTE = 10
FORM_BYTES = 16_384  # around the file that it carries
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}


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
        messages.success(request, _("Saved."))
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


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def picture(request: SignedInRequest) -> HttpResponse:
    """The person's own picture, and the form that changes it. Its address carries ``picture_id``, so a browser keeps what it has."""
    if request.method != "POST":
        found = picture_of(request.user)
        return HttpResponse(found, content_type=pictures.TYPE, headers=KEPT) if found else HttpResponseNotFound()
    try:
        if "remove" in request.POST:
            actions.remove_picture(by=request.user)
        else:
            actions.change_picture(by=request.user, data=given_picture(request))
    except Problem as problem:
        context = {"tab": "person", "form": PersonForm(None, initial=initial_of(request)), "picture_error": problem.sentence}
        return render(request, "agentos/person.html", context, status=problem.status)
    messages.success(request, _("Saved."))
    return go_to(request, reverse("dashboard:person"))


def given_picture(request: SignedInRequest) -> bytes:
    """Raises InvalidPreference, and Problem 429."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > pictures.MOST_BYTES + FORM_BYTES:  # the server does not keep all of it
        raise actions.InvalidPreference("picture", _("A picture has at most 1 MB. Choose a smaller one."))
    given = request.FILES.get("picture")
    if given is None:
        raise actions.InvalidPreference("picture", _("Choose a picture first."))
    limits.check("picture", str(request.user.pk), limit=PICTURES_A_MINUTE, seconds=60)
    data: bytes = given.read()
    return data


def initial_of(request: SignedInRequest) -> dict[str, object]:
    wants = preferences_of(request.user)
    return {
        "name": next((getattr(request.user, column) for column in people.name_columns()), ""),
        "theme": wants.theme or Preferences.Theme.SYSTEM,
        "enter_sends": wants.enter_sends,
        "spoken": wants.spoken,
        "language": wants.language,
        "sends_spoken": wants.sends_spoken,
        "keeps_recordings": wants.keeps_recordings,
        "reads_aloud": wants.reads_aloud,
        "budget_mails": wants.budget_mails,
        "speed": wants.speed,
    }
