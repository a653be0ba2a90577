"""The form by which the first operator is made."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.access.actions import NAME_LIMIT


class SetUpForm(forms.Form):
    """``email``: the address that the link is for, which nobody can change then."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Enter your e-mail address: you sign in with it."), "invalid": _("This is not an e-mail address.")},
    )
    name = forms.CharField(
        label=_("Name"), required=False, max_length=NAME_LIMIT, widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters, and not a password that many people use."),
        error_messages={"required": _("Choose a password.")},
    )
    again = forms.CharField(
        label=_("The same password again"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Type the password a second time.")},
    )

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if email:
            self.fields["email"].disabled, self.fields["email"].initial = True, email
        self.fields["name" if email else "email"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", _("The two passwords are not the same."))
        return data
