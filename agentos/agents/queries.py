"""Who may use which agent, and why. The send path asks here, never the cache."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Protocol, TypeVar

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from agentos.access.adapters import access, is_default_rule, personal
from agentos.access.models import Membership, Plan, Subscription, Team
from agentos.access.queries import managed_teams, teams_with_personal_agents
from agentos.access.users import User
from agentos.agents.blueprint import Blueprint, blueprint_of, whole
from agentos.agents.models import AccessRequest, AgentDraft, AgentPin, AgentVersion, DjangoAgent
from agentos.agents.providers import PROVIDERS, split
from agentos.connections.queries import PREFIX, parts_of
from agentos.core import clock
from agentos.core.db.prepared import Query
from agentos.core.people import has_column, is_operator
from agentos.skills.models import Skill
from agentos.skills.queries import ChosenSkill, chosen

REQUESTS_LISTED = 100


@dataclass(frozen=True, slots=True)
class LockedAgent:
    """An agent that a user may not use, as far as they may know of it. ``opened_by`` says what would open it, ``asked_at`` when they have
    asked for it."""

    agent_id: str
    name: str
    description: str
    model: str
    model_label: str
    tools: tuple[str, ...]
    capabilities: tuple[str, ...]
    opened_by: str
    asked_at: datetime | None = None
    why: str = ""  # it is not open
    plans: tuple[int, ...] = ()  # that open it


class Card(Protocol):
    """What a search looks at: an AgentCard and a LockedAgent have it."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def model_label(self) -> str: ...
    @property
    def tools(self) -> tuple[str, ...]: ...
    @property
    def capabilities(self) -> tuple[str, ...]: ...
    @property
    def why(self) -> str: ...


AnyCard = TypeVar("AnyCard", bound=Card)


def agents_for(user: User) -> QuerySet[DjangoAgent]:
    """Return the agents that this user may use now."""
    agents: QuerySet[DjangoAgent] = DjangoAgent.objects.usable_by(user)
    return agents


def may_use(user_pk: int, agent_pk: int) -> bool:
    """Whether this user may use this agent now."""
    if is_default_rule():
        return bool(_USABLE.rows(user_pk, agent_pk, clock.now()))
    user = User.objects.filter(pk=user_pk).first()
    return user is not None and agents_for(user).filter(pk=agent_pk).exists()


_USABLE = Query(
    lambda user, agent, now: DjangoAgent.objects.usable_by_default(user, now).filter(pk=agent).values_list("pk"), int, int, datetime
)


def pinned_by(user: User) -> set[str]:
    """Return the ids of the agents that this user keeps at the top."""
    return set(AgentPin.objects.filter(user=user).values_list("agent__agent_id", flat=True))


def locked_agents_for(user: User) -> list[LockedAgent]:
    """Return the active agents that something would open to this user. Their instructions are not even read."""
    if not user.is_active:
        return []
    locked = _locked(user)
    asked = dict(AccessRequest.objects.filter(user=user).order_by().values_list("agent_id", "created_at"))
    rows = locked.defer("instructions").select_related("team").prefetch_related("plans")
    return [
        LockedAgent(
            agent_id=agent.agent_id,
            name=agent.name,
            description=agent.description,
            model=agent.model,
            model_label=model_label(agent.model),
            tools=tuple(agent.tools),
            capabilities=tuple(agent.capabilities),
            opened_by=access().what_opens(agent),
            asked_at=asked.get(agent.pk),
            plans=tuple(plan.pk for plan in agent.plans.all()),
        )
        for agent in rows
    ]


def _locked(user: User) -> QuerySet[DjangoAgent]:
    usable = DjangoAgent.objects.usable_by(user).order_by().values("pk")
    return access().locked_agents(user, DjangoAgent.objects.filter(is_active=True, owner=None).exclude(pk__in=usable))


def locked_row_for(user: User, agent_id: str) -> DjangoAgent | None:
    """Return the agent itself, to ask for it."""
    return _locked(user).filter(agent_id=agent_id).first()


def locked_agent_for(user: User, agent_id: str) -> LockedAgent | None:
    """Return one of them."""
    return next((agent for agent in locked_agents_for(user) if agent.agent_id == agent_id), None)


def deciders_of(agent: DjangoAgent) -> QuerySet[User]:
    """Return whom a request for this agent concerns: the owners of its team, and operators."""
    owners = Membership.objects.filter(team=agent.team_id, role=Membership.Role.OWNER)
    operators = Q(is_staff=True) if has_column("is_staff") else Q(pk__in=())
    return User.objects.filter(Q(pk__in=owners.values("user")) | operators, is_active=True)


def access_requests_for(user: User) -> list[AccessRequest]:
    """Return the requests that this user may decide and that are still one: who has the agent by now asks for nothing."""
    asked = access_requests_decided_by(user).filter(user__is_active=True, agent__is_active=True)[:REQUESTS_LISTED]
    return [each for each in asked if not may_use(each.user_id, each.agent_id)]


def access_requests_by(user: User) -> list[AccessRequest]:
    """Return what this user asks for, and does not have by now."""
    asked = AccessRequest.objects.select_related("agent__team", "user").filter(user=user, agent__is_active=True)[:REQUESTS_LISTED]
    return [each for each in asked if not may_use(user.pk, each.agent_id)]


def access_requests_decided_by(user: User) -> QuerySet[AccessRequest]:
    found = AccessRequest.objects.select_related("agent__team", "user")
    if is_operator(user):
        return found
    return found.filter(agent__team__in=Membership.objects.filter(user=user, role=Membership.Role.OWNER).values("team"))


def decides_requests(user: User) -> bool:
    """Whether there could be any."""
    return is_operator(user) or Membership.objects.filter(user=user, role=Membership.Role.OWNER).exists()


def agents_with_connection(slug: str) -> list[DjangoAgent]:
    """Return the agents that have a tool of this connection, whoever may use them, by name. Of personal agents nobody is told."""
    found = DjangoAgent.objects.filter(owner=None).only("agent_id", "name", "tools", "is_active")
    return [agent for agent in found if slug in connections_in(agent.tools)]


def agents_with_skill(user: User, skill: Skill) -> list[DjangoAgent]:
    """Return the agents that this user may change and that have this skill, by name."""
    found = agents_to_edit(user).only("agent_id", "name", "skills", "team_id")
    named = [agent for agent in found if skill.name in agent.skills]
    if skill.team_id is not None:
        return [agent for agent in named if agent.team_id == skill.team_id]
    have_their_own = set(Skill.objects.filter(name=skill.name).exclude(team=None).values_list("team_id", flat=True))
    return [agent for agent in named if agent.team_id not in have_their_own]


def skills_to_name(agent: DjangoAgent) -> list[ChosenSkill]:
    """Return the skills that this agent reads when a message names them. One query; none where it has no skills."""
    reads = agent.kind != DjangoAgent.Kind.STEPS and getattr(PROVIDERS.get(split(agent.model)[0]), "tools", False)
    return chosen(agent.skills, agent.team_id) if reads else []


def connections_used_by(user: User) -> set[str]:
    """Return the slugs of the connections whose tools this user's agents have."""
    return {slug for tools in agents_for(user).order_by().values_list("tools", flat=True) for slug in connections_in(tools)}


def connections_in(tools: Iterable[str]) -> set[str]:
    return {parts_of(slug)[0] for slug in tools if slug.startswith(PREFIX)}


def makes_agents(user: User) -> bool:
    """Whether this user may make agents: operators, and the owners and admins of teams, for those."""
    return is_operator(user) or managed_teams(user).exists()


def may_have_own(user: User) -> bool:
    """Whether a team lets this user have agents of their own."""
    return teams_with_personal_agents(user.pk).exists()


def copyable_by(user: User) -> QuerySet[DjangoAgent]:
    """Return the agents that this user may copy to have them for themselves: those of the teams that allow it."""
    teams = teams_with_personal_agents(user.pk).order_by().values("pk")
    return agents_for(user).filter(team__in=teams, owner=None).exclude(kind=DjangoAgent.Kind.CODE)


def agents_to_edit(user: User) -> QuerySet[DjangoAgent]:
    """Return the agents that this user may change: operators all, owners and admins of a team those that are open to it alone, everybody
    those of their own. What is written in code is changed there."""
    agents: QuerySet[DjangoAgent] = DjangoAgent.objects.exclude(kind=DjangoAgent.Kind.CODE)
    if is_operator(user):
        return agents
    of_teams = Q(owner=None, team__in=managed_teams(user).order_by().values("pk"), is_global=False, plans=None)
    return agents.filter(of_teams | personal(user.pk))


def made_agents(user: User, text: str = "") -> QuerySet[DjangoAgent]:
    """Return those agents as a list shows them: with team and plans, without their instructions, and ``drafted_at`` where a draft waits."""
    waiting = AgentDraft.objects.filter(agent=OuterRef("pk"), blueprint__isnull=False)
    found = agents_to_edit(user).select_related("team", "owner").prefetch_related("plans").defer("instructions")
    found = found.annotate(drafted_at=Subquery(waiting.values("updated_at")))
    for word in text.split():
        found = found.filter(Q(name__icontains=word) | Q(agent_id__icontains=word) | Q(description__icontains=word))
    return found


def agents_of_team(team: Team) -> QuerySet[DjangoAgent]:
    """Return the agents that a team's people may use because they are in it."""
    return DjangoAgent.objects.filter(team=team, is_active=True).only("agent_id", "name", "description").order_by("name")


def teams_to_make_for(user: User) -> QuerySet[Team]:
    """Return the teams whose agents this user may make, and share with."""
    return Team.objects.all() if is_operator(user) else managed_teams(user)


def plans_to_share_with(user: User) -> QuerySet[Plan]:
    return Plan.objects.all() if is_operator(user) else Plan.objects.none()


def all_plans() -> QuerySet[Plan]:
    """Return the plans with the names of the agents that each opens, and ``holders``: how many subscriptions run. Two queries."""
    running = Subscription.objects.running().filter(plan=OuterRef("pk")).order_by().values("plan").annotate(n=Count("pk")).values("n")
    agents = Prefetch("agents", DjangoAgent.objects.only("name", "is_active").order_by("name"))
    return Plan.objects.annotate(holders=Coalesce(Subquery(running), 0)).prefetch_related(agents).order_by("name")


def plan_with_key(pk: int) -> Plan | None:
    return all_plans().filter(pk=pk).first()


def agents_for_plans() -> QuerySet[DjangoAgent]:
    """Return the agents that a plan may open: all but personal ones."""
    return (
        DjangoAgent.objects.filter(owner=None)
        .select_related("team")
        .only("agent_id", "name", "is_active", "team__name")
        .order_by("name", "pk")
    )


def open_to(agent: DjangoAgent) -> str:
    """Return who may use it, in words. Asks for its owner, team and plans, where they were not selected."""
    if agent.owner is not None:
        return f"{agent.owner} alone"
    ways = ["Everyone"] if agent.is_global else []
    ways += [f"Team {agent.team}"] if agent.team else []
    return ", ".join([*ways, *(f"Plan {plan}" for plan in agent.plans.all())]) or "Nobody"


def may_edit(user: User, agent: DjangoAgent) -> bool:
    return user.is_active and agents_to_edit(user).filter(pk=agent.pk).exists()


def may_try(user_pk: int, agent_pk: int) -> bool:
    """Whether this user may chat with the draft of this agent now."""
    user = User.objects.filter(pk=user_pk, is_active=True).first()
    return user is not None and agents_to_edit(user).filter(pk=agent_pk).exists()


def draft_of(agent: DjangoAgent) -> AgentDraft:
    """Return the draft of an agent; one that is not stored, where nobody has worked on it yet."""
    draft = AgentDraft.objects.select_related("by").filter(agent=agent).first() or AgentDraft(agent=agent)
    draft.agent = agent
    return draft


def stamp_of(draft: AgentDraft) -> str:
    """Return what tells one state of a draft from all others."""
    return f"{draft.agent.version}-{draft.revision}"


def worked_on(agent: DjangoAgent, draft: AgentDraft) -> Blueprint:
    """Return the blueprint that the next publishing publishes: the draft's, or what is published."""
    return blueprint_of(agent) if draft.blueprint is None else whole(draft.blueprint)


def versions_of(agent: DjangoAgent) -> QuerySet[AgentVersion]:
    """Return its versions, the newest first, with who published them."""
    return AgentVersion.objects.filter(agent=agent).select_related("by")


def free_id(wanted: str) -> str:
    """Return an agent_id that nobody has: ``wanted``, or with a number."""
    taken = set(DjangoAgent.objects.filter(agent_id__startswith=wanted).order_by().values_list("agent_id", flat=True))
    numbered = (f"{wanted}-{number}" for number in count(2))
    return wanted if wanted not in taken else next(each for each in numbered if each not in taken)


def model_label(model: str) -> str:
    """Return a model's name for people: ``gpt-5.4 (OpenAI)``."""
    slug, model_id = split(model)
    return f"{model_id} ({PROVIDERS[slug].label})" if slug in PROVIDERS else model


def search_agents(cards: Iterable[AnyCard], text: str = "", *, model: str = "", tool: str = "", capability: str = "") -> list[AnyCard]:
    """Return the cards that match everything that is asked for. Every word of ``text`` must stand somewhere on the card."""
    words = text.casefold().split()
    return [
        card
        for card in cards
        if (not model or card.model == model)
        and (not tool or tool in card.tools)
        and (not capability or capability in card.capabilities)
        and all(word in on_card(card) for word in words)
    ]


def on_card(card: Card) -> str:
    return " ".join((card.name, card.description, card.model, card.model_label, *card.tools, *card.capabilities)).casefold()
