"""Changes of the catalogue. The signals count the rights' version up, so that no cache remembers what was."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from agentos.access.models import Plan, User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record


@transaction.atomic
def create_agent(*, agent_id: str, name: str, model: str, plans: Iterable[Plan] = (), by: User | None, **fields: Any) -> DjangoAgent:
    """Add an agent; raises ValidationError for what the model's fields do not take."""
    agent = DjangoAgent(agent_id=agent_id, name=name, model=model, **fields)
    agent.full_clean()
    agent.save()
    agent.plans.set(plans)
    record("agents.agent.created", by=by, object_type="agent", object_id=agent_id, model=model)
    return agent


@transaction.atomic
def activate_agent(*, agent: DjangoAgent, by: User | None) -> DjangoAgent:
    agent.is_active = True
    agent.save(update_fields=["is_active", "updated_at"])
    record("agents.agent.activated", by=by, object_type="agent", object_id=agent.agent_id)
    return agent


@transaction.atomic
def deactivate_agent(*, agent: DjangoAgent, by: User | None) -> DjangoAgent:
    """Withdraw the agent from everybody. Its chats stay readable."""
    agent.is_active = False
    agent.save(update_fields=["is_active", "updated_at"])
    record("agents.agent.deactivated", by=by, object_type="agent", object_id=agent.agent_id)
    return agent
