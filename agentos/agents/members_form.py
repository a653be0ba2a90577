"""The part of a draft's form that says what the agent is made of: one agent, a team, or steps; who is in it, in which order."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from agentos.access.users import User
from agentos.agents import members
from agentos.agents.blueprint import Blueprint
from agentos.agents.models import MEMBERS, DjangoAgent
from agentos.core.text import clean

Kind, Mode = DjangoAgent.Kind, DjangoAgent.Mode
Rows = list[dict[str, str]]

KINDS = (
    (Kind.AGENT, _("One agent"), _("With instructions and tools of its own.")),
    (
        Kind.TEAM,
        _("A team of agents"),
        _("Its model leads: it gives tasks to the members, and each works with its own instructions and tools."),
    ),
    (
        Kind.STEPS,
        _("Agents one after the other"),
        _("Steps: what one of them answers is the message to the next. The last one's answer counts."),
    ),
)
MODES = (
    (Mode.COORDINATE, _("Coordinate"), _("The leader gives tasks to members and writes the answer.")),
    (Mode.ROUTE, _("Route"), _("The leader picks one member, whose answer is the answer.")),
    (Mode.BROADCAST, _("Broadcast"), _("Every member gets the message, and the leader sums up.")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Any
    about: Any
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class MemberCard:
    """``name``: the id, of an agent that is not there or that one may not know of; then ``is_gone``."""

    number: int
    agent_id: str
    name: str
    task: str
    is_gone: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class MembersPart:
    kinds: list[Choice]
    modes: list[Choice]
    cards: list[MemberCard]
    offered: list[DjangoAgent]
    is_full: bool


def part(blueprint: Blueprint, agent: DjangoAgent, user: User) -> MembersPart:
    """Return what the form shows. ``offered``: who else can be chosen."""
    rows = blueprint["members"]
    known = members.known(rows, team=agent, by=user)
    cards = [_card(number, row, known, is_last=number == len(rows)) for number, row in enumerate(rows, start=1)]
    return MembersPart(
        [Choice(kind.value, label, about, kind == blueprint["kind"]) for kind, label, about in KINDS],
        [Choice(mode.value, label, about, mode == blueprint["mode"]) for mode, label, about in MODES],
        cards,
        list(members.choices(user, agent)),
        len(rows) >= MEMBERS,
    )


def _card(number: int, row: dict[str, str], known: dict[str, DjangoAgent], *, is_last: bool) -> MemberCard:
    agent = known.get(row["agent"])
    return MemberCard(number, row["agent"], agent.name if agent else row["agent"], row["task"], agent is None, is_last)


def posted(form: QueryDict, base: Blueprint) -> dict[str, Any]:
    """Return the parts that a form has sent. Who was chosen and not added yet is in it, too: nobody wonders where they are."""
    if "kind" not in form:
        return {}
    kind = form["kind"]
    if kind not in DjangoAgent.MADE_OF_AGENTS:
        return {"kind": kind, "mode": form.get("mode", base["mode"]), "members": []}
    tasks = [clean(task) for task in form.getlist("member_task")]
    rows = [{"agent": agent_id, "task": task} for agent_id, task in zip(map(clean, form.getlist("member")), tasks, strict=False)]
    rows = _arranged(rows, form.get("arrange", ""))
    if new := clean(form.get("new_member", "")):
        rows.append({"agent": new, "task": clean(form.get("new_task", ""))})
    return {"kind": kind, "mode": form.get("mode", base["mode"]), "members": rows}


def _arranged(rows: Rows, wish: str) -> Rows:
    """Do what a button beside a row says: ``up:2``, ``down:2`` or ``drop:2``."""
    what, _sign, number = wish.partition(":")
    if not number.isdecimal() or not 1 <= (place := int(number)) <= len(rows):
        return rows
    row = rows.pop(place - 1)
    if what == "up":
        rows.insert(max(place - 2, 0), row)
    elif what == "down":
        rows.insert(place, row)
    elif what != "drop":
        rows.insert(place - 1, row)
    return rows
