"""Personal agents: somebody's copy of an agent of their team, which nobody else may use.

It does nothing that its owner could not have done with the agents of others: its models, tools, skills and members are those of agents
that the owner may use now, each tool at least as strict as it is anywhere there, with settings that it has there. Who may make agents for
the team may choose as for those. What the owner may use changes, so this is asked when the agent is published, when it is written to, and
when it answers.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from agentos.access.queries import managed_teams
from agentos.access.users import User
from agentos.agents.blueprint import Blueprint
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.agents.tools import ASK, Tool, label_of_slug, policy_of, tools
from agentos.core.people import is_operator

MOST = 20  # of one person
PARTS = ("model", "fallbacks", "choices", "tools", "tool_policies", "tool_options", "skills")  # that its owner has to have, too


@dataclass(slots=True)
class Lent:
    """What somebody may give an agent of their own. ``is_all``: whatever is offered to the team. ``tools``: by slug the settings that it
    has somewhere; ``asking``: those that ask first somewhere; ``known``: what there is of them. ``agents``: keys of those to work with."""

    is_all: bool = False
    models: set[str] = field(default_factory=set)
    tools: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    asking: set[str] = field(default_factory=set)
    known: dict[str, Tool] = field(default_factory=dict)
    skills: set[str] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)


def lent_to(owner: User, team: int | None) -> Lent:
    """``team``: the one that lets them have it."""
    if is_operator(owner) or (team is not None and managed_teams(owner).filter(pk=team).exists()):
        return Lent(is_all=True)
    agents = list(agents_for(owner).filter(owner=None).order_by("name", "pk").defer("instructions"))
    found = Lent(known=tools({slug for agent in agents for slug in agent.tools}), agents={agent.pk for agent in agents})
    for agent in agents:
        found.models |= {*agent.models_in_order, *agent.models_to_choose}
        found.skills |= set(agent.skills) if agent.team_id in {None, team} else set()
        for slug in agent.tools:
            found.tools.setdefault(slug, []).append(agent.tool_options.get(slug, {}))
            if slug in found.known and policy_of(found.known[slug], agent.tool_policies) == ASK:
                found.asking.add(slug)
    return found


def lent_for(agent: DjangoAgent) -> Lent:
    """What this agent may be given, as far as it depends on whose it is."""
    return lent_to(agent.owner, agent.team_id) if agent.owner is not None else Lent(is_all=True)


def objections(parts: Mapping[str, Any], lent: Lent) -> dict[str, str]:
    """Return, by part of a blueprint, what its owner has not got. Members are looked at in ``agents.members``. Asks no database."""
    if lent.is_all:
        return {}
    found = {}
    for name, models in (("model", [parts["model"]]), ("fallbacks", parts["fallbacks"]), ("choices", parts["choices"])):
        if strange := [model for model in models if model and model not in lent.models]:
            said = _("No agent that you may use has the model %(model)s, so this one cannot have it either. Choose another one.")
            found[name] = said % {"model": strange[0]}
    slugs, options = parts["tools"], parts["tool_options"]
    if strange := [lent.known[slug].label if slug in lent.known else label_of_slug(slug) for slug in slugs if slug not in lent.tools]:
        said = _("No agent that you may use has these tools, so this one cannot have them either: %(tools)s. Take them away.")
        found["tools"] = said % {"tools": ", ".join(strange)}
    if loose := [lent.known[slug].label for slug in slugs if _is_loose(slug, parts["tool_policies"], lent)]:
        said = _("These tools ask first with other agents that you use, so they do here: %(tools)s.")
        found["tool_policies"] = said % {"tools": ", ".join(loose)}
    if strange := [label_of_slug(slug) for slug in slugs if _is_strange(slug, options, lent)]:
        said = _("The settings of these tools have changed: %(tools)s. Save the draft and publish it to take them over.")
        found["tool_options"] = said % {"tools": ", ".join(strange)}
    if gone := [name for name in parts["skills"] if name not in lent.skills]:
        said = _("No agent that you may use has these skills, so this one cannot have them either: %(skills)s. Take them away.")
        found["skills"] = said % {"skills": ", ".join(gone)}
    return found


def _is_loose(slug: str, policies: Mapping[str, str], lent: Lent) -> bool:
    return slug in lent.asking and policy_of(lent.known[slug], policies) != ASK


def _is_strange(slug: str, options: Mapping[str, Any], lent: Lent) -> bool:
    return slug in lent.tools and options.get(slug, {}) not in lent.tools[slug]


def beyond(agent: DjangoAgent, lent: Lent | None = None) -> str:
    """Return why somebody's own agent cannot answer now; empty for any other, and when it can. Asks the database only for their own."""
    if agent.owner_id is None:
        return ""
    lent = lent or lent_for(agent)
    if sentence := next(iter(objections({name: getattr(agent, name) for name in PARTS}, lent).values()), ""):
        return sentence
    if lent.is_all or agent.kind not in DjangoAgent.MADE_OF_AGENTS or not agent.pk:
        return ""
    lost = next((member.agent for member in agent.roster.all() if member.agent_id not in lent.agents), None)
    return _("You may not use its member %(member)s any more. Take it out.") % {"member": lost} if lost else ""


def settle(blueprint: Blueprint, lent: Lent) -> None:
    """Give the tools of a draft the settings and the strictness that they have elsewhere: its owner can choose neither."""
    if lent.is_all:
        return
    for slug in blueprint["tools"]:
        if _is_strange(slug, blueprint["tool_options"], lent):
            blueprint["tool_options"][slug] = dict(lent.tools[slug][0])
        if _is_loose(slug, blueprint["tool_policies"], lent):
            blueprint["tool_policies"][slug] = ASK
    blueprint["tool_options"] = {slug: options for slug, options in blueprint["tool_options"].items() if options}


def within(agent: DjangoAgent) -> DjangoAgent:
    """Return an agent that is to answer, which is not to be saved, without what its owner has lost since it was written to."""
    if (lent := lent_for(agent)).is_all:
        return agent
    left = copy(agent)
    left.tools = [slug for slug in agent.tools if slug in lent.tools and not _is_strange(slug, agent.tool_options, lent)]
    left.tool_policies = {**agent.tool_policies, **{slug: ASK for slug in left.tools if slug in lent.asking}}
    left.skills = [name for name in agent.skills if name in lent.skills]
    return left


def offered(found: Iterable[Tool], lent: Lent) -> list[Tool]:
    """Return those of these tools that may be given, each as strict as it has to be."""
    if lent.is_all:
        return list(found)
    return [replace(tool, policy=ASK, policies=(ASK,)) if tool.slug in lent.asking else tool for tool in found if tool.slug in lent.tools]
