"""The form by which operators invite somebody, into a team or to the site alone."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.access.forms import InvitationForm
from agentos.access.models import Team


class InviteForm(InvitationForm):
    team: Any = forms.ModelChoiceField(label=_("Team"), queryset=None, required=False, empty_label=_("None"))
    field_order = ("email", "team", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["team"]
        field.queryset = Team._default_manager.all()  # noqa: SLF001 - a form asks for choices alone
