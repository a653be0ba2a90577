"""Agents from files, from the gallery and from other agents: what is read becomes a draft."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents import files, personal, queries
from agentos.agents.actions.catalogue import begin, start_agent
from agentos.agents.blueprint import Blueprint, blueprint_of
from agentos.agents.errors import NotYourAgent, TooManyAgents
from agentos.agents.files import AgentFile
from agentos.agents.gallery import ready_agent
from agentos.agents.models import AgentCase, DjangoAgent
from agentos.agents.readiness import objections
from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.people import is_operator
from agentos.core.ratelimit import limits

NAME_LENGTH = 80  # characters


def import_agent(*, data: bytes, team: Team | None = None, by: User) -> tuple[DjangoAgent, AgentFile]:
    """Make a draft of a file. It keeps its id where that is free. Returns the draft, and what was read, with what is missing here.

    Raises BadFile, InvalidAgent, NotYourAgent, ``Problem`` 429; nothing is made then.
    """
    given = files.read(data, by=by, team=team.pk if team else None)
    if not is_operator(by):
        given = files.without_options(given, by=by, team=team.pk if team else None)
    wanted = given.agent_id if given.agent_id and queries.free_id(given.agent_id) == given.agent_id else ""
    with transaction.atomic():
        agent = start_agent(name=given.blueprint["name"], agent_id=wanted, team=team, blueprint=given.blueprint, by=by)
        AgentCase.objects.bulk_create([AgentCase(agent=agent, by=by, **test) for test in given.tests])
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
    blueprint, team_pk = _copied(agent), team.pk if team else None
    copied = AgentFile("", blueprint, files.missing_here(blueprint, by, team_pk))
    if not is_operator(by):
        copied = files.without_options(copied, by=by, team=team_pk)
    return start_agent(name=copied.blueprint["name"], team=team, blueprint=copied.blueprint, by=by), copied.missing


def copy_to_own(*, agent: DjangoAgent, by: User) -> tuple[DjangoAgent, list[str]]:
    """Make a personal agent of one of a team that allows it: a draft, with the settings of its tools as they are. Returns it, and what is
    missing in it.

    Raises InvalidAgent, NotYourAgent, TooManyAgents, ``Problem`` 429.
    """
    limits.check("start-agent", str(by.pk), limit=app_settings.CREATIONS_A_MINUTE, seconds=60)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)  # two copies at once do not count past each other
        source = queries.copyable_by(by).select_related("team").filter(pk=agent.pk).first()
        if source is None:
            raise NotYourAgent(_("This agent cannot be copied: its team does not let members have agents of their own."))
        if DjangoAgent.objects.filter(owner=by).count() >= personal.MOST:
            raise TooManyAgents(_("You have %(most)s agents of your own already. Delete one first.") % {"most": personal.MOST})
        made = begin(_copied(source), team=source.team, owner=by, by=by)
    return made, list(objections(queries.worked_on(made, queries.draft_of(made)), agent=made, by=by).values())


def _copied(agent: DjangoAgent) -> Blueprint:
    """What is published, or its draft where nothing is."""
    blueprint = blueprint_of(agent) if agent.version else queries.worked_on(agent, queries.draft_of(agent))
    return {**blueprint, "name": _("Copy of %(name)s") % {"name": blueprint["name"][: NAME_LENGTH - 20]}}
