"""Trying a draft: whoever may change an agent chats with its draft. Nothing of it is kept (``chat/ephemeral.py``); it counts as usage.

The blueprint that is tried goes along with the run, in its options, so it need not even be saved.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import actions as agents
from agentos.agents import failures, personal, queries
from agentos.agents import members as teams
from agentos.agents.availability import availability_of
from agentos.agents.blueprint import Blueprint, apply, whole
from agentos.agents.errors import NotReady, NotYourAgent
from agentos.agents.models import DjangoAgent, TeamMember
from agentos.agents.readiness import objections
from agentos.agents.specs import AgentSpec, spec_of
from agentos.agents.tools import Tool, is_offered, label_of_slug, tools
from agentos.audit.actions import record
from agentos.chat import ephemeral, limits, quotas
from agentos.chat.actions.messages import checked_message
from agentos.chat.actions.runs import stop_run
from agentos.chat.errors import AgentUnavailable
from agentos.chat.models import IS_OPEN, ChatSession, Run
from agentos.core.people import is_operator

BLUEPRINT = "blueprint"  # the option of a run that tries a draft
ROUND = "round"  # the option of one that belongs to the tests of an agent (chat/rounds): nobody sees it in the pane


def start(*, agent: DjangoAgent, blueprint: Blueprint, message: str, history: Sequence[dict[str, str]], by: User) -> Run:
    """Store a run that answers ``message`` after ``history`` as the blueprint says; the caller discards it, as any ephemeral one.

    Raises NotYourAgent, NotReady, AgentUnavailable, InvalidInput, TooMuch, QuotaReached.
    """
    text = checked_message(message)
    limits.check_send(by)
    with transaction.atomic():
        if not queries.may_edit(by, agent):
            raise NotYourAgent(_("Only the owners and admins of its team, and operators, can try its draft."))
        personal.settle(blueprint, personal.lent_for(agent))
        if missing := objections(blueprint, agent=agent, by=by):
            raise NotReady(missing)
        check_available(agent, blueprint, by=by)
        stop(agent=agent, by=by)
        quotas.check(by, agent)
        turn = sum(message["role"] == "user" for message in history) + 1
        run = ephemeral.begin_run(agent=agent, by=by, history=history, turn=turn, input=text, options={BLUEPRINT: blueprint})
        record("agents.draft.tried", by=by, object_type="agent", object_id=agent.agent_id, run=run.run_id)
    return run


def check_available(agent: DjangoAgent, blueprint: Blueprint, *, by: User) -> None:
    """Raises AgentUnavailable."""
    tried, members = _made(agent, blueprint)
    state = availability_of(tried, members)
    if state.ok:
        return
    if state.for_all:
        raise AgentUnavailable(state.reason)
    if tried.kind == DjangoAgent.Kind.AGENT:
        raise AgentUnavailable(_("The model %(model)s cannot be used now. Choose another one to try the draft.") % {"model": tried.model})
    told = state.reason if is_operator(by) else _("Ask your administrator, or choose others.")
    raise AgentUnavailable(_("Not all that the draft is made of can be used now. %(why)s") % {"why": told})


def is_trial(run: Run) -> bool:
    return BLUEPRINT in run.options


def agent_of(run: Run) -> DjangoAgent:
    """Return the agent that answers a run: its session's, or what the draft makes of it. Not to be saved."""
    agent: DjangoAgent = run.session.agent
    return _made(agent, run.options[BLUEPRINT])[0] if is_trial(run) else agent


def spec_of_run(run: Run) -> AgentSpec:
    """Return what is to answer it: the agent as it is published, or as its draft would be, members and all."""
    agent: DjangoAgent = run.session.agent
    return spec_of(*_made(agent, run.options[BLUEPRINT])) if is_trial(run) else spec_of(agent)


def _made(agent: DjangoAgent, blueprint: Mapping[str, Any]) -> tuple[DjangoAgent, list[TeamMember]]:
    """Return what a blueprint makes of an agent, with its members. Neither is to be saved."""
    tried, parts = DjangoAgent(pk=agent.pk, agent_id=agent.agent_id, team_id=agent.team_id, owner_id=agent.owner_id), whole(blueprint)
    apply(tried, parts)
    return tried, teams.rows(tried, parts["members"])


def trouble(run: Run) -> str:
    """Return what whoever tries or tests a draft is told of a run that failed, with the names of the tools that it could not have.
    Empty for one that did not fail."""
    if not run.error_code:
        return ""
    said = failures.sentence(run.error_code, is_kept=False)
    if run.error_code != "agent_unavailable":
        return said
    tried, members = _made(run.session.agent, run.options[BLUEPRINT])
    slugs = list(dict.fromkeys([*tried.tools, *(slug for member in members for slug in member.agent.tools)]))
    known = tools(slugs)
    lost = [_label(slug, known) for slug in slugs if slug not in known or not is_offered(known[slug]) or known[slug].needs()]
    return _("%(said)s These tools cannot be used now: %(tools)s.") % {"said": said, "tools": ", ".join(lost)} if lost else said


def _label(slug: str, known: Mapping[str, Tool]) -> str:
    return known[slug].label if slug in known else label_of_slug(slug)


def _is_in_the_pane(run: Run) -> bool:
    """Not what is asked beside it: for a round of tests, or for a suggestion (``suggesting.py``)."""
    return is_trial(run) and run.options.keys() == {BLUEPRINT}


def trials_of(user: User, agent: DjangoAgent) -> list[Run]:
    """Return this user's open trials of an agent."""
    found = Run.objects.filter(IS_OPEN, session__is_ephemeral=True, session__agent=agent, session__user=user)
    return [run for run in found.select_related("session__agent") if _is_in_the_pane(run)]


def trial_for(user: User, run_id: str) -> Run | None:
    found = Run.objects.filter(run_id=run_id, session__is_ephemeral=True, session__user=user).select_related("session__agent").first()
    return found if found and _is_in_the_pane(found) else None


def stop(*, agent: DjangoAgent, by: User) -> None:
    """End what is being tried."""
    for run in trials_of(by, agent):
        stop_run(run=run, by=by)


def delete_agent(*, agent: DjangoAgent, by: User) -> None:
    """Delete a draft that was never published, with what trying it has left; a personal agent at any time, with its chats. What they have
    cost stays counted.

    Raises what ``agents.actions.delete_agent`` raises.
    """
    with transaction.atomic():
        if (not agent.version or agent.owner_id) and queries.may_edit(by, agent):
            left = ChatSession.objects.filter(agent=agent)
            for session in left if agent.owner_id else left.filter(is_ephemeral=True):
                for run in Run.objects.filter(session=session, status__in=Run.OPEN).select_related("session"):
                    stop_run(run=run, by=by)
                if not session.is_ephemeral:
                    record("chat.session.erased", by=by, object_type="session", object_id=session.session_id)
                session.delete()
        agents.delete_agent(agent=agent, by=by)


def history_with(run: Run, history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what was said, this turn with it."""
    said = [*history, {"role": "user", "content": run.input}]
    return [*map(dict, said), *([{"role": "assistant", "content": run.answer}] if run.answer else [])]
