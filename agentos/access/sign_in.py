"""The form of our own sign-in page. A project that signs its people in by itself has no use for it."""

import math
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from agentos.access import lockout
from agentos.access.models import UserManager
from agentos.access.users import User


class SignInForm(forms.Form):
    """One sentence for every refusal: it does not tell whether an address exists or is suspended."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    refused = _("This e-mail address and password do not match. Check both and try again.")

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None
        self.account = ""
        self.retry_after = 0  # seconds, when nobody may try now

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "email" in data and "password" in data:
            self.account = UserManager.normalize_email(data["email"])
            self.user = self._user(data["password"])
        return data

    def _user(self, password: str) -> User:
        if lockout.is_locked(self.request, self.account):
            raise self._locked()
        user = authenticate(self.request, email=self.account, password=password)
        if isinstance(user, User):
            return user
        raise self._locked() if lockout.has_locked(self.request) else forms.ValidationError(self.refused, code="refused")

    def _locked(self) -> forms.ValidationError:
        self.retry_after = lockout.seconds_left(self.request, self.account)
        minutes = math.ceil(self.retry_after / 60)
        sentence = ngettext(
            "There were too many sign-in attempts with this address. Wait a minute, then try again.",
            "There were too many sign-in attempts with this address. Wait %(minutes)d minutes, then try again.",
            minutes,
        )
        return forms.ValidationError(sentence, code="locked", params={"minutes": minutes})

    def begin_at_password(self) -> None:
        """Put the cursor where there is something to mend, when the address is one."""
        if "email" in self.cleaned_data:
            self.fields["email"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True

    def get_user(self) -> User | None:
        """Return who has signed in: the name that Django's LoginView asks for."""
        return self.user
