"""The forms of what a person holds: API tokens, invitations, what they say of themselves."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from agentos.access.actions import NAME_LIMIT
from agentos.access.models import Membership, Preferences
from agentos.access.queries import accounts_for_tokens_of
from agentos.access.tokens import DAYS, SCOPES
from agentos.access.users import User
from agentos.core.languages import LANGUAGES
from agentos.core.people import name_columns


class TokenForm(forms.Form):
    """What a member chooses of a new API token."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("What will use it?")}),
        error_messages={"required": _("Give the token a name, so that you recognise it.")},
    )
    scopes = forms.MultipleChoiceField(
        choices=tuple(SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one thing that it can do.")},
    )
    days = forms.TypedChoiceField(
        label=_("Expires in"),
        coerce=int,
        choices=((7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("a year"))),
        initial=DAYS,
    )


class TeamForm(forms.Form):
    """A new team, and whose it is."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": _("Give the team a name.")},
    )
    owner = forms.EmailField(
        label=_("Address of its owner"),
        required=False,
        max_length=254,
        help_text=_("Empty: you. Whoever has no account yet is invited."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"invalid": _("This is not an e-mail address.")},
    )


class InvitationForm(forms.Form):
    """Whom to invite into a team."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Whom do you invite? Enter their e-mail address."), "invalid": _("This is not an e-mail address.")},
    )
    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices, initial=Membership.Role.MEMBER)


class PersonForm(forms.Form):
    """What a person says of themselves, and how they want the pages."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto", "aria-describedby": "name-hint"}),
        error_messages={"max_length": format_lazy(_("A name has at most {limit} characters."), limit=NAME_LIMIT)},
    )
    theme = forms.ChoiceField(choices=Preferences.Theme.choices, widget=forms.RadioSelect)
    enter_sends = forms.BooleanField(label=_("Enter sends the message"), required=False)
    spoken = forms.ChoiceField(choices=Preferences.Spoken.choices, widget=forms.RadioSelect)
    language = forms.ChoiceField(label=_("You speak"), choices=[("", _("Any language")), *LANGUAGES.items()], required=False)
    sends_spoken = forms.BooleanField(label=_("Send what was said at once"), required=False)
    keeps_recordings = forms.BooleanField(label=_("Keep recordings with their messages"), required=False)
    reads_aloud = forms.BooleanField(label=_("Read answers aloud as they come"), required=False)
    budget_mails = forms.BooleanField(label=_("Mails about budgets"), required=False)
    speed = forms.TypedChoiceField(
        label=_("Reading speed"),
        choices=Preferences.Speed.choices,
        coerce=int,
        required=False,
        empty_value=Preferences.Speed.USUAL,  # type: ignore[arg-type]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not name_columns():
            del self.fields["name"]


class OperatorsTokenForm(TokenForm):
    """The same in the admin: for the operator, or for an account that nobody signs in to."""

    user: Any = forms.ModelChoiceField(label=_("Owner"), queryset=None)
    field_order = ("user", "name", "scopes", "days")

    def __init__(self, *args: Any, operator: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["user"]
        field.queryset, field.initial = accounts_for_tokens_of(operator), operator
