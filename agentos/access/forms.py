"""The sign-in form, and the admin's form for a new account."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest

from agentos.access.models import User


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

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "email" in data and "password" in data:
            user = authenticate(self.request, email=data["email"], password=data["password"])
            if not isinstance(user, User):
                raise forms.ValidationError(self.refused, code="refused")
            self.user = user
        return data

    def get_user(self) -> User | None:
        """Return who has signed in: the name that Django's LoginView asks for."""
        return self.user


class AddUserForm(AdminUserCreationForm):
    """The admin's form for a new account."""

    class Meta:
        model = User
        fields = ("email", "name")
