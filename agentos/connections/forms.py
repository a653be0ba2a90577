"""The forms of a connection and of a member's own key. Who may send them, and what is wrong with an address, others say."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.access.models import Team
from agentos.connections.actions import KEY_LIMIT, SECONDS
from agentos.connections.models import CLIENT_LIMIT, NAME_LIMIT, Server
from agentos.core.security.guarded_http.addresses import URL_LIMIT

TECHNICAL = {"autocomplete": "off", "spellcheck": "false"}


class ServerForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("What is it, for example Issue tracker")}),
        error_messages={"required": _("Give it a name, so that people recognise it.")},
    )
    url = forms.CharField(
        label=_("URL"),
        max_length=URL_LIMIT,
        widget=forms.TextInput(attrs={**TECHNICAL, "inputmode": "url", "placeholder": "https://example.com/mcp"}),
        error_messages={"required": _("Where is the MCP server?")},
    )
    auth = forms.ChoiceField(label=_("Key"), choices=Server.Auth.choices, widget=forms.RadioSelect, initial=Server.Auth.NONE)
    key = forms.CharField(
        label=_("The key"),
        max_length=KEY_LIMIT,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Only for one key for everybody. It is stored encrypted, and shown to nobody."),
    )
    client_id = forms.CharField(
        label=_("Client id"),
        max_length=CLIENT_LIMIT,
        required=False,
        widget=forms.TextInput(attrs=TECHNICAL),
        help_text=_("Only where members sign in, and the other system lets nobody register by themselves. Its secret is the key above."),
    )
    header = forms.CharField(
        label=_("Header"),
        max_length=64,
        required=False,
        initial="Authorization",
        widget=forms.TextInput(attrs=TECHNICAL),
        help_text=_("That carries the key. Most servers want Authorization."),
    )
    seconds = forms.IntegerField(
        label=_("Seconds that a call may take"),
        min_value=SECONDS[0],
        max_value=SECONDS[1],
        required=False,
        initial=10,
        widget=forms.TextInput(attrs={**TECHNICAL, "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "connection-%s", "label_suffix": "", **kwargs})

    def given(self) -> dict[str, Any]:
        """Return the fields as the actions take them: without those that were left empty and then stay what they are."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in {None, ""} and name != "team"}
        return {"client_id": "", **given}


class NewServerForm(ServerForm):
    """With the choice of whose it is. A team that somebody may not make one for is refused by the view, which knows who asks."""

    team = forms.CharField(label=_("Whose agents may use it?"), required=False, widget=forms.Select)

    def __init__(self, *args: Any, teams: list[Team], is_operator: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everybody = [("", "Everybody's")] if is_operator else []
        self.fields["team"].widget.choices = [*everybody, *((str(team.pk), f"The team {team}'s") for team in teams)]


class LocalServerForm(forms.Form):
    """The same for a server that is started on this machine."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LIMIT, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "connection-%s", "label_suffix": "", **kwargs})

    def given(self) -> dict[str, Any]:
        return self.cleaned_data


class KeyForm(forms.Form):
    key = forms.CharField(
        label=_("Your key"),
        max_length=KEY_LIMIT,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Paste the key that the other system gave you.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "own-%s", "label_suffix": "", **kwargs})
