"""The pages on which operators set up providers of sign-ins, try them, and say what their groups mean."""

from http import HTTPStatus

from allauth.socialaccount.providers.openid_connect import views as openid
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from requests import RequestException

from agentos.access.guards import operator_only
from agentos.accounts import actions, providers
from agentos.accounts.forms import GroupForm, ProviderForm
from agentos.accounts.models import Provider
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.ratelimit import limits
from agentos.core.text import shorten

TRIES_A_MINUTE = 20
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SHOWN = 300  # characters of what a provider says of itself


@require_safe
@operator_only
def all_of_them(request: SignedInRequest) -> HttpResponse:
    """The one of the environment, which is only read here, and those that were set up on these pages."""
    context = {"tab": "providers", "providers": providers.all_of_them(), "environment": providers.ENVIRONMENT}
    return render(request, "accounts/providers.html", context)


@sensitive_post_parameters("new_secret")
@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def new(request: SignedInRequest) -> HttpResponse:
    form = ProviderForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _save(request, form)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/new_provider.html", {"tab": "providers", "form": form}, status=status)


@sensitive_post_parameters("new_secret")
@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def provider(request: SignedInRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        return _page(request, _named(slug))
    form = ProviderForm(request.POST, instance=_stored(slug))
    return _save(request, form) if form.is_valid() else _page(request, _named(slug), form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@operator_only
def try_it(request: SignedInRequest, slug: str) -> HttpResponse:
    """Ask the provider what it says of itself, as is done at every sign-in."""
    found = _named(slug)
    limits.check("try-provider", str(request.user.pk), limit=TRIES_A_MINUTE, seconds=60)
    trouble, issuer = _asked(request, found)
    return _page(request, found, trouble=trouble, issuer=issuer)


def _asked(request: HttpRequest, found: Provider) -> tuple[str, str]:
    """Return what is wrong, and who it says that it is."""
    try:
        config = openid.OpenIDConnectOAuth2Adapter(request, found.slug).openid_config
        missing = [name for name in NEEDED if not config.get(name)]
    except (RequestException, ValueError, AttributeError, RecursionError):
        return _("It does not answer, or not as a provider of OpenID Connect does. Look at its address."), ""
    if missing:
        return _("It does not say all that is needed: %(missing)s.") % {"missing": ", ".join(missing)}, ""
    return "", shorten(str(config.get("issuer", "")), SHOWN)


@require_POST
@operator_only
def delete(request: SignedInRequest, slug: str) -> HttpResponse:
    actions.delete_provider(provider=_stored(slug), by=request.user)
    messages.success(request, _("Deleted."))
    return go_to(request, reverse("accounts:providers"))


@require_POST
@operator_only
def add_group(request: SignedInRequest, slug: str) -> HttpResponse:
    found, form = _named(slug), GroupForm(request.POST)
    if not form.is_valid():
        return _page(request, found, group_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    actions.add_group(provider=found, **form.cleaned_data, by=request.user)
    return _saved(request, found)


@require_POST
@operator_only
def remove_group(request: SignedInRequest, slug: str, group_id: int) -> HttpResponse:
    found = _named(slug)
    mapping = providers.groups_of(found).filter(pk=group_id).first()
    if mapping is None:
        raise Http404
    actions.remove_group(mapping=mapping, by=request.user)
    return _saved(request, found)


def _save(request: SignedInRequest, form: ProviderForm) -> HttpResponse:
    return _saved(request, actions.save_provider(provider=form.instance, secret=form.cleaned_data["new_secret"], by=request.user))


def _saved(request: SignedInRequest, found: Provider) -> HttpResponse:
    messages.success(request, _("Saved."))
    return go_to(request, reverse("accounts:provider", args=[found.slug]))


def _named(slug: str) -> Provider:
    found = providers.named(slug)
    if found is None:
        raise Http404
    return found


def _stored(slug: str) -> Provider:
    """Raises PermissionDenied for the one of the environment, which is changed there."""
    found = providers.stored(slug)
    if found is None:
        _named(slug)
        raise PermissionDenied
    return found


def _page(
    request: SignedInRequest,
    found: Provider,
    *,
    form: ProviderForm | None = None,
    group_form: GroupForm | None = None,
    status: int = HTTPStatus.OK,
    **context: object,
) -> HttpResponse:
    is_stored = found.pk is not None
    about = {
        "tab": "providers",
        "provider": found,
        "is_stored": is_stored,
        "form": form or (ProviderForm(instance=found) if is_stored else None),
        "group_form": group_form or GroupForm(),
        "groups": providers.groups_of(found),
        "back": request.build_absolute_uri(reverse("openid_connect_callback", args=[found.slug])),
        "logout": request.build_absolute_uri(reverse("openid_connect_logout", args=[found.slug])),
    }
    return render(request, "accounts/provider.html", {**about, **context}, status=status)
