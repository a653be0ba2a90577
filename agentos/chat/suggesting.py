"""Having an agent's model suggest a part of its draft: a run that leaves no trace, by the rules of trying it (``trying.py``)."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import queries, suggestions
from agentos.agents.blueprint import Blueprint
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import DjangoAgent
from agentos.agents.suggestions import Suggestion
from agentos.audit.actions import record
from agentos.chat import ephemeral, limits, quotas, trying
from agentos.chat.models import Run
from agentos.chat.rounds.answering import asking, trouble
from agentos.core.http.errors import Problem

SUGGESTS = "suggests"  # the option of a run that suggests a part of a draft


def start(*, agent: DjangoAgent, blueprint: Blueprint, part: str, by: User) -> Run:
    """Ask the model of a blueprint; the caller discards the run. Raises AgentUnavailable, NotYourAgent, QuotaReached, TooMuch."""
    limits.check_send(by)
    with transaction.atomic():
        if not queries.may_edit(by, agent):
            raise NotYourAgent(_("Only the owners and admins of its team, and operators, can change this agent."))
        asked = asking(blueprint, suggestions.INSTRUCTIONS[part])
        trying.check_available(agent, asked, by=by)
        quotas.check(by, agent)
        options = {trying.BLUEPRINT: asked, SUGGESTS: part}
        run = ephemeral.begin_run(agent=agent, by=by, history=[], input=suggestions.question(blueprint), options=options)
        record("agents.draft.suggested", by=by, object_type="agent", object_id=agent.agent_id, run=run.run_id, part=part)
    return run


def suggestion_of(run: Run | None, part: str) -> Suggestion:
    """Raises ``Problem`` 502 when there is none."""
    if run is None or run.status != Run.Status.COMPLETED:
        raise Problem(502, _("The model suggested nothing. %(why)s") % {"why": trouble(run)})
    found = suggestions.read(part, run.answer)
    if not found.text:
        raise Problem(502, _("What the model suggested could not be read. Try it again, or write it yourself."))
    return found
