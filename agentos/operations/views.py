"""The page that makes an operator, for whoever has the link, and the one that says how the installation is."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from agentos.access.guards import operator_only
from agentos.access.invitations import mails_work
from agentos.core.http.request import SignedInRequest
from agentos.operations import actions, installation, queries
from agentos.operations.forms import SetUpForm

PAGE = "operations/set_up.html"


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """The link's text is in the query, which no log has, and then in the form."""
    token = request.POST.get("token", "") or request.GET.get("token", "")
    link = queries.link_of(token)
    if link is None:
        return _is_over(request)
    form = SetUpForm(request.POST or None, email=link.email, initial={"name": link.name})
    if request.method != "POST":
        return render(request, PAGE, {"form": form, "token": token, **_state()})
    if form.is_valid():
        data = form.cleaned_data
        try:
            user = actions.set_up(
                token=token, email=data["email"], name=data["name"], team=data.get("team", ""), password=data["password"], by=None
            )
        except actions.InvalidOperator as wrong:
            form.add_error(wrong.field, wrong.sentence)
        except actions.LinkIsOver:
            return _is_over(request)
        else:
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            messages.success(request, _("You are set up. A passkey makes signing in easier: Settings, Account."))
            return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, PAGE, {"form": form, "token": token, **_state()}, status=422)


@require_safe
@operator_only
def show_installation(request: SignedInRequest) -> HttpResponse:
    return render(request, "operations/installation.html", {"tab": "installation", "parts": installation.facts()})


def _state() -> dict[str, object]:
    """What the first operator should know of the site before people come."""
    return {"mails_work": mails_work(), "models_work": installation.models_work(), "sign_up": installation.sign_up()}


def _is_over(request: HttpRequest) -> HttpResponse:
    return render(request, PAGE, status=404)
