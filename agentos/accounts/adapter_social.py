"""What django-allauth asks of us about providers of sign-ins: which there are, whom they may sign in, and what their groups mean."""

from typing import Any, NoReturn

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from agentos.access import invitations
from agentos.access.users import User
from agentos.accounts import groups, providers
from agentos.accounts.models import Provider
from agentos.accounts.reaching import Careful
from agentos.core import people
from agentos.core.security import secrets
from agentos.core.text import clean


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        found = [app_of(row) for row in providers.all_of_them()]
        if provider:
            found = [app for app in found if provider in {app.provider, app.provider_id}]
        return [app for app in found if client_id in {None, app.client_id}]

    def get_requests_session(self) -> Any:
        session = super().get_requests_session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, Careful())
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Trust no address but one that the provider has verified, or whose domain is its own; then do what its groups say."""
        row = provider_of(sociallogin)
        if row is None:
            _refuse(request, _("This way to sign in is not there any more."))
        vouch_for(row, sociallogin.email_addresses)
        if not sociallogin.is_existing and not any(address.verified for address in sociallogin.email_addresses):
            _refuse(request, _("%(provider)s does not vouch for your e-mail address here.") % {"provider": row.name})
        if row.must_be_listed and not groups.listed(row, sociallogin.account.extra_data):
            if sociallogin.is_existing:
                groups.leave(row, sociallogin.user)
            _refuse(request, _("You are in no group that is let in here. Ask whoever runs this site."))
        if sociallogin.is_existing:
            groups.sync(row, sociallogin.user, sociallogin.account.extra_data)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """An invitation opens it for its own address alone."""
        row, invitation = provider_of(sociallogin), invitations.of_session(request.session)
        if (row and row.can_sign_up) or (
            invitation and invitation.email in {each.email for each in sociallogin.email_addresses if each.verified}
        ):
            return True
        return _refuse(request, _("There is no account with your address here. Ask whoever runs this site to invite you."))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **about: Any) -> None:
        """Cancelled, forged, replayed, or the provider's fault: one page for all."""
        _refuse(request, _("The provider did not confirm who you are. Try again from the beginning."), status=401)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = sociallogin.user
        user.email = (data.get("email") or "").strip().lower()
        name = data.get("name") or " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        for column in people.name_columns():
            setattr(user, column, " ".join(clean(str(name)).split())[:100])
        user.has_addresses = True  # type: ignore[attr-defined]  # allauth makes them (accounts.signals)
        return user

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        if row := provider_of(sociallogin):
            groups.sync(row, user, sociallogin.account.extra_data)
        return user

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """An account with a verified address is whose address it is: ``vouch_for`` has left only those that count."""
        return True


def app_of(row: Provider) -> SocialApp:
    return SocialApp(
        provider="openid_connect",
        provider_id=row.slug,
        name=row.name,
        client_id=row.client_id,
        secret=secrets.unseal(row.secret),
        settings={"server_url": row.server_url.rstrip("/"), "oauth_pkce_enabled": True},
    )


def provider_of(sociallogin: Any) -> Provider | None:
    return providers.named(sociallogin.account.provider)


def vouch_for(row: Provider, addresses: list[EmailAddress]) -> None:
    """Let an address count as verified only when this provider may say so."""
    domains = {domain.lower() for domain in row.domains}
    for address in addresses:
        address.email = address.email.lower()
        domain = address.email.rpartition("@")[2]
        address.verified = domain in domains if domains else bool(address.verified)


def _refuse(request: HttpRequest, sentence: str, status: int = 403) -> NoReturn:
    context = {"title": _("You cannot sign in this way"), "intro": sentence, "link": reverse("account_login"), "link_label": _("Sign in")}
    raise ImmediateHttpResponse(render(request, "accounts/told.html", context, status=status))
