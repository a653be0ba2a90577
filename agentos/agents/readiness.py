"""What has to be done before a draft can be published, whatever the agent is made of."""

from agentos.access.users import User
from agentos.agents import members, personal
from agentos.agents.blueprint import Blueprint, objections_to_parts
from agentos.agents.models import DjangoAgent


def objections(blueprint: Blueprint, *, agent: DjangoAgent | None, by: User | None, team: int | None = None) -> dict[str, str]:
    """Return, by part, what is missing; nothing when it can be published. ``agent``: None for a file, which is none yet; ``team``: whose
    it is to be then. ``by``: who would publish it, and is told of no agent that they may not know of; None: the system."""
    found = objections_to_parts(blueprint, agent.team_id if agent else team)
    if agent is not None:
        found = personal.objections(blueprint, personal.lent_for(agent)) | found
    kind = blueprint["kind"]
    if kind not in DjangoAgent.MADE_OF_AGENTS:
        return found
    if agent is not None and agent.pk and agent.works_in.exists():
        found["kind"] = "It is a member of a team itself, and a team cannot be in another one."
    if not blueprint["members"]:
        found["members"] = "Choose the agents that do the steps." if kind == DjangoAgent.Kind.STEPS else "Choose who is in the team."
    elif sentence := members.objection(blueprint["members"], kind, team=agent, by=by):
        found["members"] = sentence
    return found
