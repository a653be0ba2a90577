"""What must hold before an agent is asked, and what follows when it will be."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agentos.access.users import User
from agentos.agents.availability import availability_of
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import may_try, may_use
from agentos.chat.errors import AgentClosed, AgentUnavailable
from agentos.chat.live.revisions import change
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import dispatch
from agentos.core import clock

NOT_AVAILABLE = gettext_lazy("This agent is not available now. Nothing was sent.")
WITHDRAWN = gettext_lazy("You may no longer use this agent. The chat stays readable.")


def check_agent_open(agent: DjangoAgent, user: User) -> None:
    """Ask the database, never a cache, whether this user may use this agent now. Raises AgentClosed."""
    if not may_use(user.pk, agent.pk):
        raise AgentClosed(str(WITHDRAWN))


def check_run_goes_on(run: Run, agent: DjangoAgent, user: User) -> None:
    """Before a run that waited is answered: of a trial (chat/trying.py) its draft has to be the user's. Raises AgentClosed,
    AgentUnavailable."""
    if "blueprint" not in run.options:
        check_agent_open(agent, user)
        check_agent_available(agent)
    elif not may_try(user.pk, agent.pk):
        raise AgentClosed(str(WITHDRAWN))


def check_agent_available(agent: DjangoAgent) -> None:
    """Raises AgentUnavailable when the agent cannot answer; operators see why in admin."""
    state = availability_of(agent)
    if not state.ok:
        raise AgentUnavailable(_("%(why)s Nothing was sent.") % {"why": state.reason} if state.for_all else str(NOT_AVAILABLE))


def bring_to_top(session: ChatSession, **fields: Any) -> int:
    """A locked session has a run to drive: it moves to the top of its owner's list, the dispatcher hears of it after the
    commit, and the new revision is returned."""
    dispatch.wake_on_commit(session.pk)
    return move_to_top(session, **fields)


def move_to_top(session: ChatSession, **fields: Any) -> int:
    return change(session, updated_at=clock.now(), is_archived=False, **fields)
