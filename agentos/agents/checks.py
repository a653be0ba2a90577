"""What `manage.py check` says about the catalogue. Without a database, or before its first migration, it says nothing."""

from collections import defaultdict
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from agentos.agents import code_modules
from agentos.agents.local_model.supervisor import objection as embedded_objection
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import SMOLLM2, availability
from agentos.agents.tools import discovery, not_offered


def active_agents() -> list[DjangoAgent]:
    try:
        return list(DjangoAgent.objects.filter(is_active=True).exclude(kind=DjangoAgent.Kind.CODE).only("agent_id", "model", "tools"))
    except (Error, ImproperlyConfigured):
        return []


@checks.register
def models_are_available(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of every model that active agents have and that cannot be used here."""
    users = defaultdict(list)
    for agent in active_agents():
        users[agent.model].append(agent.agent_id)
    found: list[checks.CheckMessage] = []
    for model, agents in users.items():
        # The embedded model comes up with the server, so here it may well be down.
        reason = embedded_objection() if model == SMOLLM2 else availability(model).reason
        if reason:
            text = f"The model {model} cannot be used. {reason} Agents that have it: {', '.join(agents)}."
            hint = "Set what is missing, or choose another model for them in the admin."
            found.append(checks.Warning(text, hint=hint, id="agentos.W001"))
    return found


@checks.register
def tools_are_offered(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of tools that are not in the allow-list: their agents' runs fail."""
    return [
        checks.Warning(
            f"The agent {agent.agent_id} has tools that are not offered here: {', '.join(unknown)}.",
            hint="Open it in the admin and save it.",
            id="agentos.W002",
        )
        for agent in active_agents()
        if (unknown := not_offered(agent.tools))
    ]


@checks.register(deploy=True)
def code_agents_are_good(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of agents in code that are not there, or that are not as their author may think. Loads their modules, which a start does not
    wait for: so it is asked by ``check --deploy``, and ``agentos agents sync`` says the same."""
    modules = code_modules.load()
    said = [
        note for module in modules for note in (module.trouble, *module.notes, *(note for agent in module.agents for note in agent.notes))
    ]
    return [checks.Warning(note, hint="See docs/bring-your-agent.md.", id="agentos.W007") for note in said if note]


@checks.register
def modules_of_tools_load(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of modules of ``AGENTOS_TOOLS`` without tools, and of APIs of ``AGENTOS_HTTP_ACTIONS`` that cannot be called."""
    return [checks.Warning(trouble, hint="The other tools work.", id="agentos.W003") for trouble in discovery.troubles()]
