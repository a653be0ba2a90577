"""The pages by which people look after their password, addresses, second factor and passkeys."""

from typing import Any

from allauth.account import views as account
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.base import views as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from agentos.accounts import factors as factors_
from agentos.accounts import queries
from agentos.accounts.views.house import INSIDE, WithOptions, by_user, mine
from agentos.core import people

ACCOUNT = {"tab": "account"}


class Addresses(account.EmailView):  # type: ignore[misc]
    template_name = "accounts/addresses.html"


class Reauthenticate(account.ReauthenticateView):  # type: ignore[misc]
    template_name = "accounts/again.html"


class ReauthenticateByCode(mfa.ReauthenticateView):  # type: ignore[misc]
    template_name = "accounts/again.html"


class ReauthenticateByPasskey(WithOptions, webauthn.ReauthenticateWebAuthnView):  # type: ignore[misc]
    template_name = "accounts/again_passkey.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form), status=422)
        return answer


class Factors(mfa.IndexView):  # type: ignore[misc]
    template_name = "accounts/factors.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        rows = queries.factors_of(self.request.user)
        found = {row.type: row for row in rows}
        return {
            **context,
            "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
            "totp": found.get(Authenticator.Type.TOTP),
            "codes": found.get(Authenticator.Type.RECOVERY_CODES),
            "is_wanted": factors_.factor_first(self.request) is not None and people.is_operator(self.request.user),
        }


class NewPasskey(WithOptions, webauthn.AddWebAuthnView):  # type: ignore[misc]
    template_name = "accounts/new_passkey.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """Whoever has just made one has shown who they are: the recovery codes that come next are shown at once."""
        answer: HttpResponse = super().form_valid(form)
        record_authentication(self.request, self.request.user, method="mfa", reauthenticated=True)
        return answer


class RemovePasskey(webauthn.RemoveWebAuthnView):  # type: ignore[misc]
    template_name = INSIDE
    success_url = reverse_lazy("mfa_index")


def _form(view: Any, title: Any, button: Any, intro: Any = "", back: str = "accounts:account", *counts: Any) -> Any:
    about = {**ACCOUNT, "title": title, "button": button, "intro": intro, "back": reverse_lazy(back)}
    return mine(view.as_view(template_name=INSIDE, extra_context=about), by_user("account-form", 20), *counts)


change_password = _form(
    account.PasswordChangeView, _("Change your password"), _("Change the password"), _("Everywhere else you are signed out then.")
)
set_password = _form(account.PasswordSetView, _("Choose a password"), _("Keep the password"), _("So far you sign in without one."))
addresses = mine(Addresses.as_view(extra_context=ACCOUNT), by_user("addresses", 20, 600))
again = mine(Reauthenticate.as_view(extra_context=ACCOUNT), by_user("again", 10, 300))
again_by_code = mine(ReauthenticateByCode.as_view(extra_context=ACCOUNT), by_user("again", 10, 300))
again_by_passkey = mine(ReauthenticateByPasskey.as_view(extra_context=ACCOUNT), by_user("again", 10, 300))
factors = mine(Factors.as_view(extra_context=ACCOUNT), methods="GET HEAD")
totp_on = mine(totp.ActivateTOTPView.as_view(template_name="accounts/totp.html", extra_context=ACCOUNT), by_user("totp", 10, 300))
totp_off = _form(
    totp.DeactivateTOTPView,
    _("Turn off the codes of your app"),
    _("Turn them off"),
    _("From then on the codes of your app are not asked for."),
    "mfa_index",
)
recovery_codes = mine(codes.ViewRecoveryCodesView.as_view(template_name="accounts/codes.html", extra_context=ACCOUNT), methods="GET HEAD")
new_codes = _form(
    codes.GenerateRecoveryCodesView,
    _("New recovery codes"),
    _("Make new codes"),
    _("Those that you have do not work any more then."),
    "mfa_index",
)
new_passkey = mine(NewPasskey.as_view(extra_context=ACCOUNT), by_user("passkeys", 10, 300))
remove_passkey = mine(
    RemovePasskey.as_view(
        extra_context={
            **ACCOUNT,
            "title": _("Remove a passkey"),
            "button": _("Remove the passkey"),
            "intro": _("You cannot sign in with it any more then."),
            "back": reverse_lazy("mfa_index"),
        }
    )
)
