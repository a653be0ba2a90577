"""Agents from files, from the gallery and from other agents: what is read becomes a draft."""

from django.utils.translation import gettext as _

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents import files, queries
from agentos.agents.actions.catalogue import start_agent
from agentos.agents.blueprint import blueprint_of
from agentos.agents.errors import NotYourAgent
from agentos.agents.files import AgentFile
from agentos.agents.gallery import ready_agent
from agentos.agents.models import DjangoAgent
from agentos.core.http.errors import Problem
from agentos.core.people import is_operator

NAME_LENGTH = 80  # characters


def import_agent(*, data: bytes, team: Team | None = None, by: User) -> tuple[DjangoAgent, AgentFile]:
    """Make a draft of a file. It keeps its id where that is free. Returns the draft, and what was read, with what is missing here.

    Raises BadFile, InvalidAgent, NotYourAgent, ``Problem`` 429; nothing is made then.
    """
    given = files.read(data, by=by, team=team.pk if team else None)
    if not is_operator(by):
        given = files.without_options(given, by=by, team=team.pk if team else None)
    wanted = given.agent_id if given.agent_id and queries.free_id(given.agent_id) == given.agent_id else ""
    agent = start_agent(name=given.blueprint["name"], agent_id=wanted, team=team, blueprint=given.blueprint, by=by)
    return agent, given


def take_ready_agent(*, agent_id: str, team: Team | None = None, by: User) -> DjangoAgent:
    """Make a draft of an agent of the gallery. Raises InvalidAgent, NotYourAgent, ``Problem`` 404 and 429."""
    blueprint = ready_agent(agent_id)
    if blueprint is None:
        raise Problem(404, _("There is no such agent in the gallery."))
    return start_agent(name=blueprint["name"], team=team, blueprint=blueprint, by=by)


def copy_agent(*, agent: DjangoAgent, team: Team | None = None, by: User) -> tuple[DjangoAgent, list[str]]:
    """Make a draft of what is published of an agent, or of its draft where nothing is. Returns it, and what is missing in it.

    Raises InvalidAgent, NotYourAgent, ``Problem`` 429.
    """
    if not queries.may_edit(by, agent):
        raise NotYourAgent(_("Only who may change an agent can copy it."))
    blueprint = blueprint_of(agent) if agent.version else queries.worked_on(agent, queries.draft_of(agent))
    blueprint["name"] = _("Copy of %(name)s") % {"name": blueprint["name"][: NAME_LENGTH - 20]}
    team_pk = team.pk if team else None
    copied = AgentFile("", blueprint, files.missing_here(blueprint, by, team_pk))
    if not is_operator(by):
        copied = files.without_options(copied, by=by, team=team_pk)
    return start_agent(name=copied.blueprint["name"], team=team, blueprint=copied.blueprint, by=by), copied.missing
