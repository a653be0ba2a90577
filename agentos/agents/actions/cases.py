"""The tests of an agent: made, changed and deleted by those who may change it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import cases
from agentos.agents.actions.locking import lock_to_edit
from agentos.agents.errors import TooManyCases
from agentos.agents.models import AgentCase, DjangoAgent
from agentos.audit.actions import record
from agentos.core.text import clean


@transaction.atomic
def create_case(*, agent: DjangoAgent, given: Mapping[str, Any], kept_answer: str = "", by: User) -> AgentCase:
    """``given``: its fields (``cases.NAMES``). Raises InvalidCase, NotYourAgent, TooManyCases."""
    found = cases.checked({"message": "", **given})
    agent = lock_to_edit(agent, by)
    if agent.cases.count() >= cases.CASES:
        raise TooManyCases(_("An agent has at most %(most)s tests. Delete one first.") % {"most": cases.CASES})
    case = AgentCase.objects.create(agent=agent, by=by, kept_answer=clean(kept_answer)[: cases.KEPT_LENGTH], **found)
    record("agents.test.created", by=by, object_type="agent", object_id=agent.agent_id, test=case.pk)
    return case


@transaction.atomic
def change_case(*, case: AgentCase, given: Mapping[str, Any], by: User) -> AgentCase:
    """Its results so far say nothing any more. Raises InvalidCase, NotYourAgent, AgentCase.DoesNotExist."""
    found = cases.checked(given)
    agent = lock_to_edit(case.agent, by)
    case = AgentCase.objects.get(pk=case.pk)
    changed = [name for name, value in found.items() if getattr(case, name) != value]
    if changed:
        for name in changed:
            setattr(case, name, found[name])
        case.revision += 1
        case.save(update_fields=[*changed, "revision"])
        record("agents.test.changed", by=by, object_type="agent", object_id=agent.agent_id, test=case.pk, fields=changed)
    return case


@transaction.atomic
def delete_case(*, case: AgentCase, by: User) -> None:
    """With its results. Raises NotYourAgent."""
    agent = lock_to_edit(case.agent, by)
    pk = case.pk
    case.delete()
    record("agents.test.deleted", by=by, object_type="agent", object_id=agent.agent_id, test=pk)
