"""The field that our sign-up form has beyond django-allauth's."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.access.actions import NAME_LIMIT


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), required=False, max_length=NAME_LIMIT, widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"})
    )

    def signup(self, request: Any, user: Any) -> None:
        """The name is kept where the account is made (adapter_account)."""
