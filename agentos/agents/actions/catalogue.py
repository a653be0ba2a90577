"""An agent as a thing of the catalogue: make it, say who may use it, turn it on and off. The signals count the rights' version up, so
that no cache remembers what was."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from agentos.access.models import Plan, Team
from agentos.access.queries import managed_teams
from agentos.access.users import User
from agentos.agents import blueprint as blueprints
from agentos.agents import queries
from agentos.agents.actions.drafts import check_options
from agentos.agents.actions.locking import lock_to_edit
from agentos.agents.actions.members import set_members
from agentos.agents.actions.versions import first_version
from agentos.agents.errors import HasChats, InvalidAgent, NeverPublished, NotYourAgent
from agentos.agents.models import AgentDraft, DjangoAgent
from agentos.audit.actions import record
from agentos.conf import app_settings
from agentos.core.people import is_operator
from agentos.core.ratelimit import limits

ID_LENGTH = 64  # characters
TRIES = 5  # for an id that somebody else takes at the same moment


@transaction.atomic
def create_agent(
    *,
    agent_id: str,
    name: str,
    model: str,
    plans: Iterable[Plan] = (),
    members: Sequence[tuple[DjangoAgent, str]] = (),
    by: User | None,
    **fields: Any,
) -> DjangoAgent:
    """Add an agent that is published at once; raises ValidationError for what the model's fields do not take. ``members``: of a team, or
    of steps, each with its task."""
    agent = DjangoAgent(agent_id=agent_id, name=name, model=model, **fields)
    agent.full_clean()
    agent.save()
    agent.plans.set(plans)
    if members:
        set_members(team=agent, members=members, by=by)
    first_version(agent, by)
    record("agents.agent.created", by=by, object_type="agent", object_id=agent_id, model=model)
    return agent


def start_agent(
    *, name: str, agent_id: str = "", team: Team | None = None, blueprint: Mapping[str, Any] | None = None, by: User
) -> DjangoAgent:
    """Begin an agent: a draft that nobody can use before it is published. Without ``agent_id`` one is made of the name.

    Raises InvalidAgent, InvalidBlueprint, NotYourAgent, ``Problem`` 429.
    """
    limits.check("start-agent", str(by.pk), limit=app_settings.CREATIONS_A_MINUTE, seconds=60)
    draft = blueprints.checked({**(blueprint or {}), "name": name})
    if not draft["name"]:
        raise InvalidAgent("name", _("Give it a name."))
    check_options({}, draft, by)
    _check_sharing(by, team=team, is_global=False, plans=())
    return begin(draft, agent_id=agent_id, team=team, owner=None, by=by)


def begin(draft: blueprints.Blueprint, *, agent_id: str = "", team: Team | None, owner: User | None, by: User) -> DjangoAgent:
    """Store an agent with its first draft, which was looked at. Raises InvalidAgent."""
    for left in reversed(range(TRIES)):
        agent = DjangoAgent(agent_id=agent_id or queries.free_id(id_of(draft["name"])), name=draft["name"], version=0, is_active=False)
        agent.team, agent.owner = team, owner
        _check_id(agent)
        try:
            with transaction.atomic():
                agent.save(force_insert=True)
                AgentDraft.objects.create(agent=agent, blueprint=draft, revision=1, by=by)
                about = {"draft": True, **({"personal": owner.pk} if owner else {})}
                record("agents.agent.created", by=by, object_type="agent", object_id=agent.agent_id, **about)
        except IntegrityError:
            if agent_id or not left:
                raise InvalidAgent("agent_id", _("There is an agent with this id. Choose another one.")) from None
        else:
            return agent
    raise AssertionError


def _check_id(agent: DjangoAgent) -> None:
    try:
        agent.clean_fields(exclude={field.name for field in DjangoAgent._meta.fields} - {"agent_id"})  # noqa: SLF001
    except ValidationError as error:
        raise InvalidAgent("agent_id", " ".join(error.messages)) from None
    if DjangoAgent.objects.filter(agent_id=agent.agent_id).exists():
        raise InvalidAgent("agent_id", _("There is an agent with this id. Choose another one."))


def id_of(name: str) -> str:
    """Return an id made of a name: ``Support Writer`` is ``support-writer``."""
    plain = slugify(unicodedata.normalize("NFKD", name.replace("ß", "ss")))[: ID_LENGTH - 4]  # room for a number
    return plain.strip("-_") or "agent"


def share_agent(*, agent: DjangoAgent, team: Team | None, is_global: bool, plans: Iterable[Plan], by: User | None) -> DjangoAgent:
    """Say who may use it. Owners and admins of a team share with a team of theirs, and with nobody else; nobody shares a personal agent.
    Raises NotYourAgent."""
    with transaction.atomic():
        agent = lock_to_edit(agent, by)
        if agent.owner_id is not None:
            raise NotYourAgent(_("A personal agent is its owner's alone."))
        wanted = list(plans)
        _check_sharing(by, team=team, is_global=is_global, plans=wanted)
        agent.team, agent.is_global = team, is_global
        agent.save(update_fields=["team", "is_global", "updated_at"])
        agent.plans.set(wanted)
        about = {"team": team.pk if team else None, "is_global": is_global, "plans": [plan.pk for plan in wanted]}
        record("agents.agent.shared", by=by, object_type="agent", object_id=agent.agent_id, **about)
    return agent


def _check_sharing(by: User | None, *, team: Team | None, is_global: bool, plans: Iterable[Plan]) -> None:
    if by is None or is_operator(by):
        return
    if is_global or list(plans):
        raise NotYourAgent(_("Only your administrator can open an agent to everyone, or to a plan."))
    if team is None or not managed_teams(by).filter(pk=team.pk).exists():
        raise NotYourAgent(_("Choose a team that you own or administer."))


@transaction.atomic
def activate_agent(*, agent: DjangoAgent, by: User | None) -> DjangoAgent:
    """Raises NeverPublished, NotYourAgent."""
    found = lock_to_edit(agent, by)
    if not found.version:
        raise NeverPublished
    return _switch(found, agent, by, is_active=True)


@transaction.atomic
def deactivate_agent(*, agent: DjangoAgent, by: User | None) -> DjangoAgent:
    """Withdraw the agent from everybody. Its chats stay readable. Raises NotYourAgent."""
    return _switch(lock_to_edit(agent, by), agent, by, is_active=False)


def _switch(found: DjangoAgent, agent: DjangoAgent, by: User | None, *, is_active: bool) -> DjangoAgent:
    found.is_active = agent.is_active = is_active
    found.save(update_fields=["is_active", "updated_at"])
    verb = "agents.agent.activated" if is_active else "agents.agent.deactivated"
    record(verb, by=by, object_type="agent", object_id=agent.agent_id)
    return agent


@transaction.atomic
def delete_agent(*, agent: DjangoAgent, by: User | None) -> None:
    """Delete an agent that was never published, or a personal one. Raises HasChats for any other, NotYourAgent."""
    found = lock_to_edit(agent, by)
    if found.version and found.owner_id is None:
        raise HasChats
    found.delete()
    record("agents.agent.deleted", by=by, object_type="agent", object_id=agent.agent_id)
