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
    team = forms.CharField(
        label=_("Name of the first team"),
        required=False,
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
        help_text=_("You can make more, and leave this empty."),
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
            del self.fields["team"]  # there is one by now
        self._focus("name" if email else "email")

    def _focus(self, name: str) -> None:
        for each in self.fields:
            self.fields[each].widget.attrs["autofocus"] = each == name

    def add_error(self, field: str | None, error: Any) -> None:
        """The page opens at the first field that is wrong. No password is shown again: both have to be typed anew."""
        super().add_error(field, error)
        wrong = next((name for name in self.fields if name in self.errors and not self.fields[name].disabled), "again")
        self._focus("password" if wrong == "again" else wrong)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", _("The two passwords are not the same."))
        return data
