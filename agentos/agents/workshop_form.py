"""The form of a draft: what stands in its fields, and which parts of a blueprint were posted. No JSON is typed by hand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agentos.agents import members_form, personal, tool_options
from agentos.agents.blueprint import Blueprint, ModelOptions
from agentos.agents.model_cards import told
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import availability, model_choices
from agentos.agents.queries import model_label
from agentos.agents.tool_options import OptionField, number
from agentos.agents.tools import ASK, AUTO, Tool, described, is_offered, policy_of, told_needs, tool_choices
from agentos.core.text import clean, shorten
from agentos.knowledge.queries import offered_to as bases_offered_to
from agentos.skills.queries import offered_to as offered_to_team

OTHER = "other"  # the choice of a model that is typed
OFF = "off"
YES_OR_NO = {"yes": True, "no": False}
LINES = ("fallbacks", "choices", "capabilities", "starters")  # parts that are typed one a line
TOLD = 80  # characters of a folded part


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that can be used now. ``able``: what it can, in a few words each."""

    model: str
    label: str
    able: tuple[str, ...]
    is_chosen: bool

    @property
    def searched(self) -> str:
        return " ".join((self.model, self.label, *self.able)).casefold()


@dataclass(frozen=True, slots=True)
class ToolCard:
    """A tool that can be given. ``policy``: off, ask or auto, as it is chosen. ``missing``: what has to be done before it can be used.
    ``is_gone``: the agent has it, but it is not offered here any more."""

    slug: str
    label: str
    about: str
    policy: str
    policies: tuple[str, ...]
    missing: str = ""
    is_gone: bool = False
    notes: tuple[str, ...] = ()
    options: list[OptionField] = field(default_factory=list)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The policies that there are, with their words."""
        words = {OFF: "Off", ASK: "Ask first", AUTO: "On its own"}
        return [(policy, words[policy]) for policy in (OFF, *(each for each in (ASK, AUTO) if each in self.policies))]


@dataclass(frozen=True, slots=True)
class SkillCard:
    """A skill that can be given. ``is_gone``: the agent has it, but it is not there any more."""

    name: str
    description: str
    is_chosen: bool
    is_gone: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class ToolGroup:
    name: str
    cards: list[ToolCard]


def offered_to(agent: DjangoAgent) -> list[Tool]:
    """Return what this agent may be given now: tools of everybody and of its team; a personal one what its owner may use."""
    return personal.offered(tool_choices([agent.team_id] if agent.team_id else []), personal.lent_for(agent))


def posted(form: QueryDict, base: Blueprint, offered: Collection[Tool], *, may_set_options: bool) -> dict[str, Any]:
    """Return the parts that a form has sent, not checked yet. ``base``: what they were. ``offered``: the tools that the form had."""
    model = form.get("model", "")
    wanted = {tool.slug: form.get(f"tool:{tool.slug}", OFF) for tool in offered}
    kept = [slug for slug in base["tools"] if wanted.get(slug, form.get(f"tool:{slug}", OFF)) != OFF]
    tools = [*kept, *(slug for slug, policy in wanted.items() if policy != OFF and slug not in kept)]
    found = {
        **{name: clean(form.get(name, "")) for name in ("name", "description", "instructions")},
        **{name: clean(form.get(name, "")).splitlines() for name in LINES},
        **members_form.posted(form, base),
        "model": (form.get("other_model") or "").strip() if model == OTHER else model,
        "skills": _in_order(form.getlist("skills"), base["skills"]),
        "bases": _in_order(form.getlist("bases"), base["bases"]),
        "effort_choice": bool(form.get("effort_choice")),
        "tools": tools,
        "tool_policies": _policies(tools, wanted, base, offered),
    }
    if may_set_options:
        found["model_options"] = {
            name: YES_OR_NO[text] if text in YES_OR_NO else number(text)
            for name in ModelOptions.model_fields
            if (text := (form.get(f"model_options:{name}") or "").strip())
        }
        found["tool_options"] = {
            tool.slug: options
            for tool in offered
            if tool.slug in tools and (options := tool_options.posted(tool, form, base["tool_options"].get(tool.slug, {})))
        }
    return found


def _in_order(wanted: Collection[str], base: Collection[str]) -> list[str]:
    """What was there before stays in its place."""
    return [*(name for name in base if name in wanted), *(name for name in wanted if name not in base)]


def skill_cards(chosen: Sequence[str], agent: DjangoAgent) -> list[SkillCard]:
    """Return the skills that this agent can have, and at last those that it has though they are there no more."""
    lent = personal.lent_for(agent)
    there = offered_to_team(agent.team_id)
    offered = {skill.name: skill for skill in there if lent.is_all or skill.name in lent.skills}
    gone = [SkillCard(name, "", is_chosen=True, is_gone=True) for name in chosen if name not in offered]
    cards = [SkillCard(name, each.description, is_chosen=name in chosen, version=each.version) for name, each in offered.items()]
    return [*cards, *gone]


def base_cards(chosen: Sequence[str], team: int | None) -> list[SkillCard]:
    """The same for knowledge bases."""
    offered = {base.name: base.description for base in bases_offered_to(team)}
    gone = [SkillCard(name, "", is_chosen=True, is_gone=True) for name in chosen if name not in offered]
    return [*(SkillCard(name, description, is_chosen=name in chosen) for name, description in offered.items()), *gone]


def _policies(tools: Iterable[str], wanted: Mapping[str, str], base: Blueprint, offered: Collection[Tool]) -> dict[str, str]:
    """Only what differs from a tool's own."""
    own = {tool.slug: tool.policy for tool in offered}
    chosen = {slug: wanted.get(slug, base["tool_policies"].get(slug, "")) for slug in tools}
    return {slug: policy for slug, policy in chosen.items() if policy and policy != own.get(slug)}


def model_cards(chosen: str, agent: DjangoAgent) -> list[ModelCard]:
    lent = personal.lent_for(agent)
    offered = [choice for choice in model_choices() if lent.is_all or choice.model in lent.models]
    return [ModelCard(choice.model, choice.label, told(choice.model), choice.model == chosen) for choice in offered]


def model_abilities(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what an operator may say of the agent's own model, each with its choice: True, False, or None for what is known."""
    labels = {"sees": _("Sees pictures"), "hears": _("Hears audio"), "reads_pdf": _("Reads PDF")}
    return [{"option": name, "question": label, "answer": options.get(name)} for name, label in labels.items()]


FOLDS = {  # the parts of the form that are folded, and the parts of a blueprint in each
    "made-of": ("kind", "mode", "members"),
    "models": ("model",),
    "model-more": ("fallbacks", "choices", "effort_choice", "model_options"),
    "tools": ("tools", "tool_policies", "tool_options"),
    "skills": ("skills",),
    "bases": ("bases",),
    "begin": ("starters", "capabilities"),
}


def heads(blueprint: Blueprint) -> dict[str, Any]:
    """Return what a folded part of the form says of itself."""
    known = {tool.slug: tool.label for tool in described(blueprint["tools"])}
    members, starters = len(blueprint["members"]), len(blueprint["starters"])
    kind = next((label for kind, label, _about in members_form.KINDS if kind == blueprint["kind"]), "")
    return {
        "made_of": f"{kind}: {_count(members)}" if members else kind,
        "model": model_label(blueprint["model"]) if blueprint["model"] else _("None yet"),
        "tools": shorten(", ".join(known.get(slug, slug) for slug in blueprint["tools"]), TOLD) or _("None"),
        "skills": shorten(", ".join(blueprint["skills"]), TOLD) or _("None"),
        "bases": shorten(", ".join(blueprint["bases"]), TOLD) or _("None"),
        "begin": ngettext("%(number)s starter", "%(number)s starters", starters) % {"number": starters} if starters else _("No starters"),
    }


def _count(members: int) -> str:
    return ngettext("%(number)s member", "%(number)s members", members) % {"number": members}


def unfolded(blueprint: Blueprint, wanted: Iterable[str], wrong: Collection[str]) -> list[str]:
    """Return which parts of the form are open: those that were, and those with something to be done."""
    found = {fold for fold, parts in FOLDS.items() if not set(parts).isdisjoint(wrong)} | (set(wanted) & FOLDS.keys())
    if not blueprint["model"]:
        found.add("models")
    return [fold for fold in FOLDS if fold in found or (fold == "models" and "model-more" in found)]


def trouble_of_model(model: str) -> str:
    """Why a model that was typed cannot be used now; empty when it can, and when there is none."""
    return availability(model).reason if model else ""


def tool_groups(blueprint: Blueprint, offered: Collection[Tool], team: int | None, *, may_set_options: bool) -> list[ToolGroup]:
    """Return the tools as cards, by group, in the order in which they are offered; then those that it has and that only cannot be called
    now, such as those of a connection that is switched off; at last those that are offered no more. ``team``: whose agent it is."""
    groups: dict[str, list[ToolCard]] = {}
    slugs = {tool.slug for tool in offered}
    away = described([slug for slug in blueprint["tools"] if slug not in slugs])
    offered = [*offered, *(tool for tool in away if is_offered(tool) and tool.team in {None, team})]
    for tool in offered:
        groups.setdefault(tool.group, []).append(_card(tool, blueprint, may_set_options=may_set_options))
    known = {tool.slug for tool in offered}
    if gone := [slug for slug in blueprint["tools"] if slug not in known]:
        groups["Not offered here"] = [ToolCard(slug, slug, "", ASK, (ASK,), is_gone=True) for slug in gone]
    return [ToolGroup(name, cards) for name, cards in groups.items()]


def _card(tool: Tool, blueprint: Blueprint, *, may_set_options: bool) -> ToolCard:
    is_on = tool.slug in blueprint["tools"]
    notes = (*(("Reads what is not public",) if tool.is_private else ()), *(("Reaches the network",) if tool.network else ()))
    return ToolCard(
        tool.slug,
        tool.label,
        tool.description,
        policy_of(tool, blueprint["tool_policies"]) if is_on else OFF,
        tool.policies,
        missing=told_needs(tool, is_operator=may_set_options),
        notes=notes,
        options=tool_options.fields(tool, blueprint["tool_options"].get(tool.slug, {})) if may_set_options else [],
    )
