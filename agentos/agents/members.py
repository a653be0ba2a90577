"""Who may be in a team, or be a step: what a blueprint says of it, as rows and as sentences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from agentos.access.queries import managed_teams
from agentos.access.users import User
from agentos.agents.models import DjangoAgent, TeamMember
from agentos.agents.queries import agents_for, agents_to_edit

Kind = DjangoAgent.Kind
Members = Sequence[Mapping[str, str]]


def agents_to_join(user: User | None) -> QuerySet[DjangoAgent]:
    """Return the agents that this user may put into a team; None: all.

    Whoever may use the team has the work of its members. So it is those that the user may change, and, of those that they may use, the
    ones that are for everyone or for a team of theirs: nothing is opened by a team that they could not have opened, or that was not open.
    """
    found: QuerySet[DjangoAgent] = DjangoAgent.objects.filter(owner=None)  # nobody's personal agent works for others
    if user is None:
        return found
    own = agents_to_edit(user).order_by().values("pk")
    open_to_theirs = agents_for(user).filter(Q(is_global=True) | Q(team__in=managed_teams(user).order_by().values("pk")))
    return found.filter(Q(pk__in=own) | Q(pk__in=open_to_theirs.order_by().values("pk")))


def _who_can_join(team: DjangoAgent | None, by: User | None) -> QuerySet[DjangoAgent]:
    """Into a personal team whoever its owner may use: nobody else works with it."""
    if team is not None and team.owner is not None:
        return agents_for(team.owner).filter(owner=None)
    return agents_to_join(by)


def choices(user: User, team: DjangoAgent) -> QuerySet[DjangoAgent]:
    """Return those that can be chosen now, as a list shows them."""
    can_be = _who_can_join(team, user).filter(kind=Kind.AGENT, is_active=True).exclude(pk=team.pk)
    return can_be.only("agent_id", "name", "description")


def known(members: Members, *, team: DjangoAgent | None, by: User | None) -> dict[str, DjangoAgent]:
    """Return, by id, the agents of these members that ``by`` may know of: those that they may put into a team, and those that are in it."""
    may_know = Q(pk__in=_who_can_join(team, by).order_by().values("pk"))
    if team is not None and team.pk and team.owner_id is None:
        may_know |= Q(pk__in=team.roster.order_by().values("agent"))
    found = DjangoAgent.objects.filter(may_know, agent_id__in={each["agent"] for each in members})
    return {agent.agent_id: agent for agent in found.defer("instructions")}


def objection(members: Members, kind: str, *, team: DjangoAgent | None, by: User | None) -> str:
    """Return the first reason why these cannot be the members of a team, or the steps; empty when they can."""
    if not members:
        return ""
    agents = known(members, team=team, by=by)
    seen: set[str] = set()
    for each in members:
        agent_id = each["agent"]
        if kind == Kind.TEAM and agent_id in seen:
            return f"{agents[agent_id]} is in it twice. Once is enough: say everything in its task."
        if agent_id not in agents:
            return f"There is no agent '{agent_id[:64]}' here that you may choose. Take it out, or choose another one."
        if sentence := _objection_to(agents[agent_id], team):
            return sentence
        seen.add(agent_id)
    return ""


def _objection_to(agent: DjangoAgent, team: DjangoAgent | None) -> str:
    if team is not None and agent.pk == team.pk:
        return "A team cannot be a member of itself."
    if agent.kind in DjangoAgent.MADE_OF_AGENTS:
        if team is not None and agent.roster.filter(agent=team).exists():
            return f"{agent} has this agent as a member: the team would contain itself."
        return f"{agent} is made of agents itself, and a team cannot be in another one."
    if agent.kind == Kind.CODE:
        return f"{agent} is written in code. Make its team there, too."
    if not agent.version:
        return f"{agent} is not published yet. Publish it first."
    return "" if agent.is_active else f"{agent} is turned off. Turn it on, or take it out."


def new_ones(before: Members, after: Members) -> list[Mapping[str, str]]:
    """Return those of ``after`` whose agents are not in ``before``."""
    there = {each["agent"] for each in before}
    return [each for each in after if each["agent"] not in there]


def rows(team: DjangoAgent, members: Members) -> list[TeamMember]:
    """Return the members as rows, which are not saved here. An agent that is gone has none."""
    agents = _by_id(each["agent"] for each in members)
    there = [each for each in members if each["agent"] in agents]
    return [TeamMember(team=team, agent=agents[each["agent"]], position=n, task=each["task"]) for n, each in enumerate(there, start=1)]


def _by_id(ids: Iterable[str]) -> dict[str, Any]:
    return {agent.agent_id: agent for agent in DjangoAgent.objects.filter(agent_id__in=list(ids))}
