"""Whether an agent can answer now, whatever it is made of: its model, its members, or somebody's code."""

from collections.abc import Iterable
from typing import NamedTuple

from agentos.agents import code_modules, failures, personal, providers
from agentos.agents.models import DjangoAgent, TeamMember
from agentos.agents.providers import Availability

Kind = DjangoAgent.Kind
WITH_MEMBERS = DjangoAgent.MADE_OF_AGENTS


Taking = tuple[str, str, tuple[str, ...], bool]


class Made(NamedTuple):
    """What an agent is made of, as plain data that a cache can keep. ``models``: the first that can be used is asked. ``members``: of each
    the id, the name, the models, and whether it is on. ``beyond``: what it has and its owner has not (``personal``)."""

    kind: str
    agent_id: str
    models: tuple[str, ...]
    source: str = ""
    members: tuple[Taking, ...] = ()
    beyond: str = ""


def made_of(agent: DjangoAgent, members: Iterable[TeamMember] | None = None) -> Made:
    """Asks the database for members, where there can be some and they were not prefetched. ``members``: of a draft."""
    found = taking(agent, members)
    return Made(agent.kind, agent.agent_id, tuple(agent.models_in_order), agent.source, found, personal.beyond(agent))


def taking(agent: DjangoAgent, members: Iterable[TeamMember] | None = None) -> tuple[Taking, ...]:
    if members is None:
        members = agent.roster.all() if agent.kind in WITH_MEMBERS and agent.pk else ()
    return tuple(map(_member, members))


def _member(member: TeamMember) -> Taking:
    return member.agent.agent_id, member.agent.name, tuple(member.agent.models_in_order), member.agent.is_active


def availability_of(agent: DjangoAgent, members: Iterable[TeamMember] | None = None) -> Availability:
    return availability(made_of(agent, members))


def availability(made: Made) -> Availability:
    """Return whether it can answer; ``reason`` is for the operator, or for whose personal agent it is."""
    if made.beyond:
        return Availability(False, made.beyond, for_all=True)
    return next((Availability(False, reason) for reason in _objections(made)), Availability(True))


def _objections(made: Made) -> Iterable[str]:
    if made.kind == Kind.CODE:
        if reason := code_modules.objection(made.source, made.agent_id):
            yield reason
        return
    if made.kind in WITH_MEMBERS:
        yield from _objections_to_members(made)
    if made.kind == Kind.STEPS:
        return
    for model in made.models if made.kind == Kind.TEAM else ():
        slug, _ = providers.split(model)
        if slug in providers.PROVIDERS and not providers.PROVIDERS[slug].tools:
            yield f"The model {model} cannot use tools, and so cannot lead a team."
    if reason := providers.first_available(made.models).reason:
        yield reason


def _objections_to_members(made: Made) -> Iterable[str]:
    if not made.members:
        yield "It has no members: add some."
    for _, name, models, is_on in made.members:
        if not is_on:
            yield f"Its member {name} is turned off."
        if reason := providers.first_available(models).reason:
            yield f"Its member {name} cannot answer. {reason}"


def missing(code: str, agent: DjangoAgent) -> str:
    """Return what an operator is told of a run that failed; empty when nothing is missing."""
    if not code:
        return ""
    reason = "" if agent.kind == Kind.AGENT or code != "agent_unavailable" else availability_of(agent).reason
    return failures.for_operator(code, agent.model, reason)
