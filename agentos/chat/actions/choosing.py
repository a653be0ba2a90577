"""The model and the effort that a message is sent with: what the sender chose, or what the chat remembers, within what the agent allows."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from agentos.agents.choosing import effort_with, offers_efforts
from agentos.agents.efforts import EFFORTS, NORMAL
from agentos.agents.models import DjangoAgent
from agentos.chat.errors import InvalidInput
from agentos.chat.models import ChatSession, Run


class Chosen(NamedTuple):
    """``model``: empty for the agent's own. ``effort``: empty for normal."""

    model: str = ""
    effort: str = ""

    @property
    def of_run(self) -> dict[str, str]:
        """The columns of a run."""
        return {"chosen_model": self.model, "effort": self.effort}


def checked(agent: DjangoAgent, model: str | None, effort: str | None, known: ChatSession | Run | None = None) -> Chosen:
    """Return the choice as it is kept. None: not chosen now, so what is ``known`` counts, as far as the agent still allows it.

    Raises InvalidInput.
    """
    if model and model not in agent.models_to_choose:
        raise InvalidInput("model", _("This agent does not answer with the model %(model)s.") % {"model": model[:80]})
    if effort and effort not in EFFORTS:
        raise InvalidInput("effort", _("An effort is one of: %(efforts)s.") % {"efforts": ", ".join(EFFORTS)})
    if effort and effort != NORMAL and not offers_efforts(agent):
        raise InvalidInput("effort", _("The effort of this agent cannot be chosen."))
    before = (known.model if isinstance(known, ChatSession) else known.chosen_model) if known else ""
    wanted = before if model is None else model
    own = wanted if wanted in agent.models_to_choose else agent.model
    how = (known.effort if known else "") if effort is None else effort
    return Chosen("" if own == agent.model else own, effort_with(agent, own, how))
