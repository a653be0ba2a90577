"""What django-allauth asks of us about accounts: who may sign up, what a refusal says, how a mail goes out."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _lazy

from agentos.access import outbox
from agentos.access.users import User
from agentos.accounts import providers, signing_up
from agentos.core import mail, people
from agentos.core.http.request import client_address
from agentos.core.security.invisible import visible

MAILS = "accounts/mail"
FACTOR = "allauth.mfa.stages.AuthenticateStage"
AGAIN = {
    "reauthenticate": _lazy("Use your password"),
    "mfa_reauthenticate:webauthn": _lazy("Use a passkey"),
    "mfa_reauthenticate": _lazy("Use a code"),
}
SAID: dict[str, Any] = {
    "password_changed": _lazy("Your password was changed."),
    "password_set": _lazy("Your password is kept."),
    "email_confirmation_sent": _lazy("A mail with a link is on its way."),
    "email_confirmed": _lazy("Your address is confirmed."),
    "email_deleted": _lazy("The address was removed."),
    "primary_email_set": _lazy("This is your address now."),
    "unverified_primary_email": _lazy("Confirm the address first."),
    "cannot_delete_primary_email": _lazy("You sign in with this address. Make another one yours first."),
    "totp_activated": _lazy("The codes of your app are asked for from now on."),
    "totp_deactivated": _lazy("The codes of your app are not asked for any more."),
    "recovery_codes_generated": _lazy("You have new recovery codes."),
    "webauthn_added": _lazy("The passkey was added."),
    "webauthn_removed": _lazy("The passkey was removed."),
    "account_connected": _lazy("You can sign in with it now."),
    "account_disconnected": _lazy("You cannot sign in with it any more."),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {  # noqa: RUF012 - allauth's way
        **DefaultAccountAdapter.error_messages,
        "duplicate_email": _lazy("This address is yours already."),
        "email_taken": _lazy("This address cannot be used."),
        "enter_current_password": _lazy("This is not your password."),
        "incorrect_password": _lazy("This is not your password."),
        "incorrect_code": _lazy("This code is not right, or not any more. Try the next one."),
        "same_as_current": _lazy("This is what it is already."),
        "rate_limited": _lazy("That was too much at once. Try again later."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return signing_up.is_open(request)

    def new_user(self, request: HttpRequest) -> User:
        user: User = super().new_user(request)
        user.has_addresses = True  # type: ignore[attr-defined]  # allauth makes them for this one (accounts.signals)
        return user

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002
        for column in people.name_columns():
            setattr(user, column, form.cleaned_data.get("name", ""))
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def clean_email(self, email: str) -> str:
        email = email.strip().lower()
        if not self.request.user.is_authenticated and (refused := signing_up.refused(self.request, email)):
            raise ValidationError(refused)
        return email

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """The sign-in form asks axes itself (access.sign_in)."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "0.0.0.0"  # noqa: S104 - of nobody: a test, a socket

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Whoever is suspended hears nothing that others do not."""
        return redirect("account_login")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:account")

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        return reverse("account_email") if self.request.user.is_authenticated else reverse("account_login")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signs in by a provider alone has nothing that could be asked for again."""
        return bool(get_reauthentication_flows(self.request.user)) and super().is_reauthentication_required(app=app, **kwargs)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The password first, then a passkey: most who have recovery codes have them put away."""
        order = list(AGAIN)
        found = sorted(super().get_reauthentication_methods(user), key=lambda method: order.index(method["id"]))
        return [{**method, "description": AGAIN[method["id"]]} for method in found]

    def get_login_stages(self) -> list[str]:
        """The second factor of a provider that asks for one itself counts as ours."""
        stages: list[str] = super().get_login_stages()
        last = (self.request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{}])[-1]
        provider = providers.named(last.get("provider", "")) if last.get("method") == "socialaccount" else None
        return [stage for stage in stages if not (provider and provider.has_factor and stage == FACTOR)]

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, message: str = "", **kwargs: Any
    ) -> None:
        """Say it in our words; what has none is not said."""
        name = (message_template or "").rpartition("/")[2].removesuffix(".txt")
        if said := message or SAID.get(name, ""):
            messages.add_message(request, level, said)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Keep the mail in the outbox, written by us, with links to where the settings say that the site is."""
        name = template_prefix.rpartition("/")[2]
        links = {key: mail.site() + _path(value) for key, value in context.items() if key.endswith("_url") and isinstance(value, str)}
        about = {
            **context,
            **links,
            "email": email,
            "site": mail.site(),
            "name": visible(people.name_of(context["user"])) if context.get("user") else "",
        }
        subject = " ".join(render_to_string(f"{MAILS}/{name}_subject.txt", about).split())
        outbox.post(EmailMessage(subject, render_to_string(f"{MAILS}/{name}.txt", about).strip() + "\n", to=[email]), what=name)


def _path(url: str) -> str:
    """Return what follows the host: no request has a say in what a mail links to."""
    return "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url
