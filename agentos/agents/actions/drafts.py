"""The draft of an agent: what is worked on until it is published."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import blueprint as blueprints
from agentos.agents import members, personal, queries
from agentos.agents.actions.locking import lock_to_edit
from agentos.agents.errors import DraftMoved, NotYourAgent
from agentos.agents.models import AgentDraft, DjangoAgent
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.people import is_operator

TELL_AGAIN = timedelta(minutes=10)


@transaction.atomic
def save_draft(*, agent: DjangoAgent, changes: Mapping[str, Any], stamp: str | None, is_quiet: bool = False, by: User | None) -> AgentDraft:
    """Keep ``changes``, parts of a blueprint, in the draft. ``stamp``: of the draft that was changed (``queries.stamp_of``); None: whatever
    is there. ``is_quiet``: it is saved while somebody types, so the audit tells it
    once a sitting.

    Raises DraftMoved, InvalidBlueprint, NotYourAgent.
    """
    agent, draft = to_change(agent, stamp, by)
    before = queries.worked_on(agent, draft)
    after = blueprints.checked(changes, before)
    check_options(before, after, by)
    check_members(agent, before, after, by)
    personal.settle(after, personal.lent_for(agent))
    if after == before:
        return draft
    was_told = is_quiet and by is not None and draft.by_id == by.pk and clock.now() - draft.updated_at < TELL_AGAIN
    _keep(draft, None if agent.version and after == blueprints.blueprint_of(agent) else after, by)
    if not agent.version and after["name"]:  # nothing else says what it is called
        DjangoAgent.objects.filter(pk=agent.pk).update(name=after["name"])
    if was_told:
        return draft
    changed = [name for name in blueprints.NAMES if after[name] != before[name]]
    record("agents.draft.saved", by=by, object_type="agent", object_id=agent.agent_id, parts=changed)
    return draft


@transaction.atomic
def discard_draft(*, agent: DjangoAgent, stamp: str | None, by: User | None) -> AgentDraft:
    """Go back to what is published. Raises DraftMoved, NotYourAgent; does nothing for an agent of which nothing is."""
    agent, draft = to_change(agent, stamp, by)
    if agent.version and draft.blueprint is not None:
        _keep(draft, None, by)
        record("agents.draft.discarded", by=by, object_type="agent", object_id=agent.agent_id)
    return draft


def check_options(before: Mapping[str, Any], after: blueprints.Blueprint, by: User | None) -> None:
    """The settings of tools and of the model are the operator's. Raises NotYourAgent."""
    if by is None or is_operator(by):
        return
    kept = {slug: options for slug, options in before.get("tool_options", {}).items() if slug in after["tools"]}
    if after["tool_options"] != kept:
        raise NotYourAgent(_("Only your administrator can change the settings of tools."))
    if after["model_options"] != before.get("model_options", {}):
        raise NotYourAgent(_("Only your administrator can change the settings of the model."))


def check_members(agent: DjangoAgent, before: blueprints.Blueprint, after: blueprints.Blueprint, by: User | None) -> None:
    """Who is new in a team has to be somebody who can be in it. Raises InvalidBlueprint."""
    new = members.new_ones(before["members"], after["members"])
    if sentence := members.objection(new, after["kind"], team=agent, by=by):
        raise blueprints.InvalidBlueprint({"members": sentence})


def to_change(agent: DjangoAgent, stamp: str | None, by: User | None) -> tuple[DjangoAgent, AgentDraft]:
    """Lock an agent and its draft, which may not be stored yet. Raises DraftMoved, NotYourAgent."""
    agent = lock_to_edit(agent, by)
    draft = queries.draft_of(agent)
    if stamp is not None and stamp != queries.stamp_of(draft):
        raise DraftMoved(draft)
    return agent, draft


def _keep(draft: AgentDraft, blueprint: blueprints.Blueprint | None, by: User | None) -> None:
    draft.blueprint, draft.by, draft.updated_at = blueprint, by, clock.now()
    draft.revision += 1
    draft.save()
