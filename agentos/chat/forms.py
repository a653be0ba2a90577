"""The form of a budget."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.agents.forms import DollarsField
from agentos.agents.prices import MICRO
from agentos.chat.budgets import whose


class BudgetForm(forms.Form):
    """What may be spent in a month, and by whom."""

    of = forms.ChoiceField(
        label=_("Of"),
        choices=(
            ("site", _("Everybody together")),
            ("each", _("Each person")),
            ("person", _("One person")),
            ("team", _("The agents of a team")),
            ("agent", _("One agent")),
        ),
    )
    name = forms.CharField(
        label=_("Which one"),
        required=False,
        max_length=254,
        help_text=_("The person's e-mail address, the name of the team, or the id of the agent."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "dir": "auto"}),
    )
    dollars = DollarsField(label=_("Dollars a month"))
    then = forms.ChoiceField(
        label=_("Once it is used up"),
        choices=(("stop", _("No answer begins any more")), ("tell", _("People are told, and go on"))),
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["whose"] = None
        if data.get("of") in {"person", "team", "agent"} and "name" in data:
            data["whose"] = whose(data["of"], data["name"].strip())
            if data["whose"] is None:
                self.add_error("name", _("There is no such person, team or agent."))
        return data

    @property
    def budget(self) -> dict[str, Any]:
        """What was chosen, for ``actions.set_budget``."""
        data = self.cleaned_data
        micro = int(Decimal(data["dollars"]) * MICRO)
        return {"of": data["of"], "whose": data["whose"], "micro_a_month": micro, "is_hard": data["then"] == "stop"}
