"""Signing in by a provider that speaks OpenID Connect: there and back, what is connected, and when it says that somebody has left."""

import logging
from typing import Any

from allauth.socialaccount import views as theirs
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as openid
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from requests import RequestException

from agentos.accounts import providers, queries, sessions
from agentos.accounts.views.entrance import SIGN_IN
from agentos.accounts.views.house import OUTSIDE, TOLD, by_network, by_user, house, mine
from agentos.core.http.leaving import leave_to

log = logging.getLogger(__name__)

LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class Connections(theirs.ConnectionsView):  # type: ignore[misc]
    template_name = "accounts/connected.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        rows = queries.connected_of(self.request.user)
        names = {provider.slug: provider.name for provider in providers.offered()}
        connected = [{"pk": row.pk, "name": names.get(row.provider, row.provider), "since": row.date_joined} for row in rows]
        others = [slug for slug in names if slug not in {row.provider for row in rows}]
        return {**context, "connected": connected, "others": [{"slug": slug, "name": names[slug]} for slug in others]}


def _there(request: HttpRequest, provider_id: str) -> HttpResponse:
    """A POST that leads to the provider. By a page: a redirect after a form would be held to our own site."""
    try:
        answer: HttpResponse = openid.login(request, provider_id)
    except RequestException:
        log.warning("The provider %s could not be reached.", provider_id, exc_info=True)
        sentence = _("The provider cannot be reached now. Try again in a moment.")
        return render(request, TOLD, {"title": _("You cannot sign in this way"), "intro": sentence, **SIGN_IN}, status=502)
    return leave_to(request, answer.headers["Location"]) if answer.status_code == 302 else answer  # noqa: PLR2004


there = house(_there, by_network("provider", 30), methods="POST")
back = house(openid.callback, methods="GET HEAD")
sign_up = house(
    theirs.SignupView.as_view(
        template_name=OUTSIDE,
        extra_context={"title": gettext_lazy("Create an account"), "button": gettext_lazy("Create the account"), **SIGN_IN},
    ),
    by_network("sign-up", 20),
)
connections = mine(Connections.as_view(extra_context={"tab": "account"}), by_user("account-form", 20))


@csrf_exempt
@require_POST
def logout(request: HttpRequest, provider_id: str) -> HttpResponse:
    """What a provider calls when somebody has signed out there, or left (OpenID Connect Back-Channel Logout 1.0)."""
    row = providers.named(provider_id)
    try:
        by_network("provider-logout", 600)(request)
        claims = _claims_of(request, provider_id, request.POST.get("logout_token", "")) if row else {}
    except (OAuth2Error, RequestException, KeyError, ValueError):
        claims = {}
    if LOGOUT not in claims.get("events", {}) or "nonce" in claims or not (claims.get("sub") or claims.get("sid")) or not claims.get("jti"):
        return HttpResponseBadRequest("This is no logout token.", content_type="text/plain")
    for user in queries.meant_by(provider_id, claims):
        sessions.end_all(user=user, by=None)
    return HttpResponse(headers={"Cache-Control": "no-store"})


def _claims_of(request: HttpRequest, provider_id: str, token: str) -> dict[str, Any]:
    """Return what a token says that the provider has signed for us, once. Raises OAuth2Error and what a request can."""
    adapter = openid.OpenIDConnectOAuth2Adapter(request, provider_id)
    config = adapter.openid_config
    claims: dict[str, Any] = jwtkit.verify_and_decode(
        credential=token,
        keys_url=config["jwks_uri"],
        issuer=config["issuer"],
        audience=adapter.get_provider().app.client_id,
        lookup_kid=jwtkit.lookup_kid_jwk,
    )
    return claims
