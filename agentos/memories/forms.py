"""The form of a memory. What a text may be, the actions say."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentos.agents.models import DjangoAgent

EVERY_AGENT = ""


class MemoryForm(forms.Form):
    """``agents``: whom it may be told to. The one that it is told to already is among them."""

    text = forms.CharField(
        label=_("What should be remembered?"),
        error_messages={"required": _("Write what is to be remembered.")},
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto", "autocomplete": "off"}),
    )
    agent = forms.ChoiceField(label=_("Which agents are told?"), required=False)

    def __init__(self, *args: Any, agents: Iterable[DjangoAgent], **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "memory-%s", "label_suffix": "", **kwargs})
        self.agents = {agent.agent_id: agent for agent in agents}
        choices = [(EVERY_AGENT, _("All that have a memory")), *((agent.agent_id, str(agent)) for agent in self.agents.values())]
        self.fields["agent"].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen(self) -> DjangoAgent | None:
        """None: all of them."""
        return self.agents.get(self.cleaned_data["agent"])
