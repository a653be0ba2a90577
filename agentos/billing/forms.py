"""A price for a plan, as an operator gives it."""

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.billing import queries


class PriceForm(forms.Form):
    plan = forms.ModelChoiceField(queries.all_plans(), label=_("Plan"), empty_label=_("Choose one"))
    price = forms.RegexField(
        r"^\s*price_\w+\s*$",
        label=_("Price at Stripe"),
        max_length=240,
        help_text=_("Its id, which begins with price_. The amount, the currency and the period are read there."),
        error_messages={"invalid": _("The id of a price begins with price_. Stripe shows it beside the price.")},
    )
    per_seat = forms.ChoiceField(
        label=_("Who pays it"),
        choices=((0, _("A person, for themselves")), (1, _("A team, for each person in it"))),
        required=False,
    )
    trial_days = forms.IntegerField(
        label=_("Days free to try"),
        min_value=0,
        max_value=730,
        initial=0,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
