"""Pages for whoever is not signed in: signing in and up, a forgotten password, a second factor, an address to confirm."""

from typing import Any

from allauth.account import views as theirs
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic.base import TemplateView

from agentos.access import invitations
from agentos.access.sign_in import SignInForm
from agentos.access.views import SignIn as PlainSignIn
from agentos.accounts import providers, signing_up
from agentos.accounts.views.house import OUTSIDE, TOLD, WithOptions, by_address, by_network, house
from agentos.core.ratelimit import limits

SIGN_IN = {"link": reverse_lazy("account_login"), "link_label": _("Sign in")}
CODES_IN_FIVE_MINUTES = 10


class SignIn(PlainSignIn):
    """A right password is the first step; a second factor and an address that is not confirmed come after it."""

    def form_valid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        login = Login(user=form.get_user(), email=form.account, redirect_url=self.get_redirect_url() or None)
        answer: HttpResponse = perform_password_login(self.request, {"email": form.account}, login)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {
            **context,
            "has_accounts": True,
            "can_reset": invitations.mails_work(),
            "can_sign_up": signing_up.is_open(self.request),
            "providers": providers.offered(),
        }


class SignUp(theirs.SignupView):  # type: ignore[misc]
    template_name = "accounts/outside.html"
    template_name_signup_closed = "accounts/told.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        form = context["form"]
        if invitation := invitations.of_session(self.request.session):
            form.fields["email"].initial = invitation.email
            form.fields["email"].widget.attrs["readonly"] = True
            context["invitation"] = invitation
        form.fields["email"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        invitation = invitations.of_session(self.request.session)
        if invitation is not None and invitation.is_mailed:
            self.request.session["account_verified_email"] = invitation.email  # the link came by that address's mail
        answer: HttpResponse = super().form_valid(form)
        return answer

    def closed(self) -> HttpResponse:
        context = {
            "title": _("Accounts are made by invitation"),
            "intro": _("Ask whoever runs this site, or a team on it, to invite you."),
            **SIGN_IN,
        }
        answer: HttpResponse = self.response_class(self.request, self.template_name_signup_closed, context, status=403)
        return answer


class SecondFactor(WithOptions, AuthenticateView):  # type: ignore[misc]
    template_name = "accounts/second_factor.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Codes are counted by the account, wherever they come from: whoever is here knows the password."""
        limits.check("second-factor", str(self.stage.login.user.pk), limit=CODES_IN_FIVE_MINUTES, seconds=300)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What the browser asks its keeper of passkeys."""
        return JsonResponse({"request_options": auth.begin_authentication(user=None)})

    def form_invalid(self, form: Any) -> HttpResponse:
        context = {"title": _("This passkey is not known here"), "intro": _("It was removed, or it is of another site."), **SIGN_IN}
        return render(self.request, TOLD, context, status=422)


def _told(title: Any, intro: Any, **more: Any) -> Any:
    return house(
        TemplateView.as_view(template_name=TOLD, extra_context={"title": title, "intro": intro, **SIGN_IN, **more}), methods="GET HEAD"
    )


sign_in = SignIn.as_view()
sign_up = house(
    SignUp.as_view(extra_context={"title": _("Create an account"), "button": _("Create the account"), **SIGN_IN}), by_network("sign-up", 20)
)
check_mail = _told(_("Look at your mail"), _("We have sent you a link. Follow it to confirm your address, then sign in."))
confirm_email = house(theirs.ConfirmEmailView.as_view(template_name="accounts/confirm_email.html"), by_network("confirm-email", 20))
reset = house(
    theirs.PasswordResetView.as_view(
        template_name=OUTSIDE,
        extra_context={
            "title": _("A new password"),
            "intro": _("We send a link to your address, by which you choose a new password."),
            "button": _("Send the link"),
            **SIGN_IN,
        },
    ),
    by_address("reset-password", 5, 600),
)
reset_sent = _told(
    _("Look at your mail"), _("If there is an account with this address, a mail with a link is on its way. The link works for three days.")
)
reset_new = house(
    theirs.PasswordResetFromKeyView.as_view(
        template_name="accounts/new_password.html",
        extra_context={"title": _("A new password"), "button": _("Change the password"), **SIGN_IN},
    ),
    by_network("reset-password-from-key", 20),
)
reset_done = _told(_("Your password was changed"), _("Everywhere else you are signed out. Sign in with the new password."))
second_factor = house(SecondFactor.as_view(), by_network("second-factor-from", 60, 300))
passkey_sign_in = house(PasskeySignIn.as_view(), by_network("passkey", 30))
