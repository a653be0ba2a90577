"""The forms of operators: inviting somebody, a provider of sign-ins, what its groups mean."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from agentos.access.forms import InvitationForm
from agentos.access.models import Membership, Team
from agentos.accounts import providers
from agentos.accounts.models import Provider

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
RESERVED = {providers.ENVIRONMENT, "new"}


class InviteForm(InvitationForm):
    team: Any = forms.ModelChoiceField(label=_("Team"), queryset=None, required=False, empty_label=_("None"))
    field_order = ("email", "team", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["team"]
        field.queryset = Team._default_manager.all()  # noqa: SLF001 - a form asks for choices alone


class DomainsField(forms.CharField):
    """A list of domains, with blanks or commas between them."""

    widget = forms.TextInput(attrs=PLAIN)

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [word.lower().removeprefix("@") for word in (super().to_python(value) or "").replace(",", " ").split()]

    def run_validators(self, value: Any) -> None:
        """Do nothing: CharField's validators are for a text."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """One whose slug is set stays in its address: people are known by it."""

    new_secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Stored sealed, and never shown again."),
    )
    domains = DomainsField(
        label=_("Domains"),
        required=False,
        max_length=1000,
        help_text=_("Only accept addresses of these domains, such as example.com. Leave empty to accept every verified address."),
    )

    class Meta:
        model = Provider
        fields = (
            "name",
            "slug",
            "server_url",
            "client_id",
            "new_secret",
            "domains",
            "can_sign_up",
            "has_factor",
            "groups_claim",
            "must_be_listed",
        )
        labels: ClassVar[Any] = {
            "name": _("Name"),
            "slug": _("Short name"),
            "server_url": _("Issuer"),
            "client_id": _("Client ID"),
            "can_sign_up": _("Create accounts for new people"),
            "has_factor": _("The provider asks for a second factor"),
            "groups_claim": _("Groups claim"),
            "must_be_listed": _("Only let people of known groups in"),
        }
        help_texts: ClassVar[Any] = {
            "name": _("Shown on the button of the sign-in page."),
            "slug": _("Part of the redirect address. It cannot be changed later."),
            "server_url": _("The address of the provider, such as https://id.example.com."),
            "can_sign_up": _("Otherwise they need an account or an invitation first."),
            "has_factor": _("People who sign in with it are not asked for one here."),
            "groups_claim": _("The claim that lists a person's groups. Leave empty if there is none."),
            "must_be_listed": _(
                "People in none of the groups that you list for it cannot sign in, and leave the teams that their groups put them in."
            ),
        }
        widgets: ClassVar[Any] = {name: forms.TextInput(attrs=PLAIN) for name in ("slug", "server_url", "client_id", "groups_claim")}
        error_messages: ClassVar[Any] = {
            "name": {"required": _("Give it a name.")},
            "slug": {"required": _("Give it a short name: small letters, digits and hyphens.")},
            "server_url": {"required": _("Give the address of the provider.")},
            "client_id": {"required": _("Give the ID under which the provider knows this site.")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields.pop("slug", None)
            self.fields["new_secret"].help_text = _("Stored sealed, and never shown again. Leave empty to keep it.")

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if not isinstance(field.field, forms.BooleanField)]

    @property
    def switches(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if isinstance(field.field, forms.BooleanField)]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED:
            raise ValidationError(_("This short name is taken: choose another one."))
        return slug

    def clean_server_url(self) -> str:
        url: str = self.cleaned_data["server_url"]
        if not providers.may_be_reached(url):
            raise ValidationError(_("A provider is reached over TLS: the address begins with https://."))
        return url

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.instance.secret and not data.get("new_secret"):
            self.add_error("new_secret", _("Give the client's secret."))
        return data


class GroupForm(forms.Form):
    """What a group of the provider's means here."""

    group = forms.CharField(
        label=_("Group"),
        max_length=200,
        help_text=_("As the provider calls it."),
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": _("Name the group, as the provider calls it.")},
    )
    team: Any = forms.ModelChoiceField(label=_("Team"), queryset=None, error_messages={"required": _("Choose a team.")})
    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices, initial=Membership.Role.MEMBER)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["team"]
        field.queryset = Team._default_manager.all()  # noqa: SLF001 - a form asks for choices alone
