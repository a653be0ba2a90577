"""The form of a webhook."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.access.models import Team
from agentos.core.events import NAMES
from agentos.core.security.guarded_http.addresses import URL_LIMIT
from agentos.webhooks.outbound.actions import NAME_LIMIT


class EndpointForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("What receives it?")}),
        error_messages={"required": _("Give it a name, so that you recognise it.")},
    )
    url = forms.CharField(
        label=_("URL"),
        max_length=URL_LIMIT,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false", "placeholder": "https://example.com/webhook"}
        ),
        error_messages={"required": _("Where should messages go?")},
    )
    events = forms.MultipleChoiceField(
        choices=tuple(NAMES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "webhook-%s", "label_suffix": "", **kwargs})


class NewEndpointForm(EndpointForm):
    """With the choice of a team. A team that is not the user's own is refused by the view, which knows who asks."""

    team = forms.IntegerField(widget=forms.Select)

    def __init__(self, *args: Any, teams: list[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].widget.choices = [(team.pk, team.name) for team in teams]
        self.fields["team"].initial = teams[0].pk if teams else None
        self.fields["team"].required = False
