"""The sign-in form, the form for a new API token, and the admin's form for a new account."""

import math
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest

from agentos.access import lockout
from agentos.access.models import User, UserManager
from agentos.access.queries import accounts_for_tokens_of
from agentos.access.tokens import DAYS, SCOPES


class SignInForm(forms.Form):
    """One sentence for every refusal: it does not tell whether an address exists or is suspended."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    refused = "This e-mail address and password do not belong together. Check both and try again."
    locked = "There were too many attempts to sign in with this address. Wait {wait}, then try again."

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
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        return forms.ValidationError(self.locked.format(wait=wait), code="locked")

    def get_user(self) -> User | None:
        """Return who has signed in: the name that Django's LoginView asks for."""
        return self.user


class TokenForm(forms.Form):
    """What a member chooses of a new API token."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "What will use it?"}),
        error_messages={"required": "Give the token a name, so that you know it again."},
    )
    scopes = forms.MultipleChoiceField(
        choices=tuple(SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that it may do."},
    )
    days = forms.TypedChoiceField(
        label="Expires in",
        coerce=int,
        choices=((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")),
        initial=DAYS,
    )


class OperatorsTokenForm(TokenForm):
    """The same in the admin: for the operator, or for an account that nobody signs in to."""

    user: Any = forms.ModelChoiceField(label="Owner", queryset=None)
    field_order = ("user", "name", "scopes", "days")

    def __init__(self, *args: Any, operator: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["user"]
        field.queryset, field.initial = accounts_for_tokens_of(operator), operator


class AddUserForm(AdminUserCreationForm):
    """The admin's form for a new account."""

    class Meta:
        model = User
        fields = ("email", "name")
