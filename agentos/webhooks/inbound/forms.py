"""The operators' forms: an endpoint with its mapping, a new secret, an event to try."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.access.models import Team
from agentos.agents.models import DjangoAgent
from agentos.core.security.signatures import BadSecret, check_secret
from agentos.webhooks.inbound import queries
from agentos.webhooks.inbound.models import PREAMBLE_LIMIT, WebhookEndpoint, are_events, is_path

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TRY_LIMIT = 100_000  # characters
KEEP = (("0", _("at once")), ("1", _("in an hour")), ("24", _("in a day")), ("168", _("in a week")))
MAPPING = ("event_path", "message_path", "key_path", "message_events", "preamble")
OFF = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


def path_field(label: "StrOrPromise", help_text: "StrOrPromise", *, initial: str, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        initial=initial,
        required=required,
        max_length=200,
        validators=[is_path],
        widget=forms.TextInput(attrs=OFF),
    )


def check_given_secret(value: str) -> str:
    try:
        if value:
            check_secret(value)
    except BadSecret as error:
        raise forms.ValidationError(str(error)) from None
    return value


class PlainForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class EndpointForm(PlainForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("What sends to it, for example Helpdesk."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    agent: "forms.ModelChoiceField[DjangoAgent]" = forms.ModelChoiceField(
        label=_("Agent"), queryset=None, help_text=_("Who answers."), empty_label=None
    )
    teams: "forms.ModelMultipleChoiceField[Team]" = forms.ModelMultipleChoiceField(
        label=_("Teams"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Of the endpoint's service identity: its runs may do what a member of these teams may."),
    )
    event_path = path_field(_("Event name field"), _("Many senders call it type."), initial="event")
    message_events = forms.CharField(
        label=_("Events that are a message"),
        initial="message_received",
        max_length=500,
        validators=[are_events],
        widget=forms.TextInput(attrs=OFF),
        help_text=_("They start a run. Several with commas between them; * for every event."),
    )
    message_path = path_field(_("Message field"), _("An object there is given to the agent as JSON."), initial="data.text")
    key_path = path_field(
        _("Session key field"),
        _("Events with the same key speak in one session: a thread, a ticket. Empty: every event has its own."),
        initial="data.thread",
        required=False,
    )
    preamble = forms.CharField(
        label=_("Text before the message"),
        required=False,
        max_length=PREAMBLE_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Added before every message exactly as written. Nothing is substituted."),
    )

    def __init__(self, *args: Any, endpoint: WebhookEndpoint | None = None, **kwargs: Any) -> None:
        if endpoint:
            kwargs["initial"] = {name: getattr(endpoint, name) for name in ("name", "agent", *MAPPING)}
            kwargs["initial"]["teams"] = queries.teams_of(endpoint)
        super().__init__(*args, **kwargs)
        self.fields["agent"].queryset = queries.agents()  # type: ignore[attr-defined]
        self.fields["teams"].queryset = queries.teams()  # type: ignore[attr-defined]

    def clean_message_events(self) -> str:
        names = [name.strip() for name in self.cleaned_data["message_events"].split(",")]
        return ", ".join(names)


class NewEndpointForm(EndpointForm):
    secret = forms.CharField(
        label=_("Secret of the sender"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=OFF),
        help_text=_("If the sender gave you one (whsec_…). Empty: a fresh one is made, and you give it to the sender."),
    )

    def clean_secret(self) -> str:
        return check_given_secret(self.cleaned_data["secret"].strip())


class RotateForm(PlainForm):
    hours = forms.TypedChoiceField(label=_("The old secret ends"), choices=KEEP, initial="24", coerce=int)
    secret = forms.CharField(
        label=_("Secret of the sender"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=OFF),
        help_text=_("Empty: a fresh one is made."),
    )

    def clean_secret(self) -> str:
        return check_given_secret(self.cleaned_data["secret"].strip())

    @property
    def keep_for(self) -> timedelta:
        return timedelta(hours=self.cleaned_data["hours"])


class TryForm(PlainForm):
    payload = forms.CharField(
        label=_("Event"),
        max_length=TRY_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 9, **OFF}),
        error_messages={"required": _("Write an event first.")},
    )
