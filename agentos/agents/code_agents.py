"""Agents in code as rows of the catalogue: one for each object of the modules of ``AGENTOS_CODE_AGENTS``.

Nobody may use a new one until an operator shares it. What its code says is written over at every start; what an operator decides stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from agentos.agents.code_modules import CodeAgent, Module
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record

CODE = DjangoAgent.Kind.CODE
FROM_CODE = ("name", "description", "model", "instructions", "tools", "source")


@dataclass
class Synced:
    """Ids of agents, and ``notes`` for the operator."""

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def has_rows() -> bool:
    return DjangoAgent.objects.filter(kind=CODE).exists()


@transaction.atomic
def sync(modules: Iterable[Module]) -> Synced:
    """Write the rows. Those of a module that is not there stay as they are; an agent that its module has no more is turned off, and on
    again when it comes back."""
    synced = Synced()
    rows = {row.agent_id: row for row in DjangoAgent.objects.select_for_update(of=("self",)).filter(kind=CODE).order_by("pk")}
    seen: set[str] = set()
    for module in modules:
        synced.notes += [note for note in (module.trouble, *module.notes) if note]
        if module.trouble:
            seen.update(agent_id for agent_id, row in rows.items() if row.source == module.name)
        for agent in module.agents:
            synced.notes += agent.notes
            if agent.agent_id in seen:
                synced.notes.append(f"The agent {agent.agent_id} of {module.name} is left out: another module has one of that id.")
                continue
            seen.add(agent.agent_id)
            _write(agent, rows.get(agent.agent_id), synced)
    for agent_id, row in rows.items():
        if agent_id not in seen and row.is_active:
            row.is_active, row.source = False, ""
            row.save(update_fields=["is_active", "source", "updated_at"])
            record("agents.agent.gone", by=None, object_type="agent", object_id=agent_id)
            synced.gone.append(agent_id)
    return synced


def _write(agent: CodeAgent, row: DjangoAgent | None, synced: Synced) -> None:
    if row is None:
        if DjangoAgent.objects.filter(agent_id=agent.agent_id).exists():
            synced.notes.append(f"The agent {agent.agent_id} of {agent.source} is left out: the catalogue has another one of that id.")
            return
        DjangoAgent.objects.create(agent_id=agent.agent_id, kind=CODE, **_fields(agent))
        record("agents.agent.created", by=None, object_type="agent", object_id=agent.agent_id, source=agent.source)
        synced.made.append(agent.agent_id)
        return
    fields = _fields(agent)
    is_back = not row.source and not row.is_active
    if not is_back and all(getattr(row, name) == value for name, value in fields.items()):
        return
    for name, value in fields.items():
        setattr(row, name, value)
    row.is_active = row.is_active or is_back
    row.save(update_fields=[*FROM_CODE, "is_active", "updated_at"])
    record("agents.agent.changed", by=None, object_type="agent", object_id=agent.agent_id, source=agent.source)
    synced.changed.append(agent.agent_id)


def _fields(agent: CodeAgent) -> dict[str, object]:
    return {
        "name": agent.name,
        "description": agent.description,
        "model": agent.model,
        "instructions": agent.instructions,
        "tools": list(agent.tools),
        "source": agent.source,
    }
