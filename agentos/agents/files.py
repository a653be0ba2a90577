"""An agent as one file: JSON that people can read and git can compare. It holds the blueprint and the tests; no key, no chat, and nobody's
name.

Who may use an agent stays behind: teams and plans are others elsewhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from pydantic import SecretBytes, SecretStr

from agentos.access.users import User
from agentos.agents import cases
from agentos.agents.blueprint import LABELS, NAMES, Blueprint, InvalidBlueprint, checked, empty
from agentos.agents.models import AgentCase, DjangoAgent
from agentos.agents.providers import availability
from agentos.agents.readiness import objections
from agentos.agents.tools import Tool, told_needs, tools
from agentos.core.http.errors import Problem
from agentos.core.http.strict_json import parse
from agentos.core.people import is_operator

KIND = "agentos-agent"
SCHEMA = 3  # counted up when a file can say what an older server does not understand
READ = (1, 2, SCHEMA)
MOST_BYTES = 1_000_000
TYPE = "application/json"


class BadFile(Problem):
    """What was given is no agent that can be read here. Nothing was made of it."""

    code = "bad_file"
    field = "file"

    def __init__(self, sentence: str, status: int = 422) -> None:
        super().__init__(status, sentence)


@dataclass(frozen=True, slots=True)
class AgentFile:
    """``missing``: what has to be done here before the agent can do what it did, a sentence each."""

    agent_id: str
    blueprint: Blueprint
    missing: list[str] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)


def written(agent: DjangoAgent, blueprint: Blueprint) -> str:
    """Return the file. The same agent always gives the same text. Asks the database for its tests."""
    kept = {**blueprint, "tool_options": _without_secrets(blueprint)}
    tests = [{name: getattr(case, name) for name in cases.NAMES} for case in AgentCase.objects.filter(agent=agent)]
    parts = {name: kept[name] for name in NAMES}
    content = {"kind": KIND, "schema": SCHEMA, "agent_id": agent.agent_id, "agent": parts, "tests": tests}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def name_of(agent: DjangoAgent) -> str:
    return f"{agent.agent_id}.agent.json"


def read(data: bytes, *, by: User | None, team: int | None = None) -> AgentFile:
    """``by``: who reads it, and is told what is missing. ``team``: whose agent is to be made of it. Raises BadFile."""
    if len(data) > MOST_BYTES:
        raise BadFile(_("The file of an agent has at most 1 MB; this one has %(has)s MB.") % {"has": f"{len(data) / MOST_BYTES:,.1f}"}, 413)
    try:
        content = parse(data.removeprefix(b"\xef\xbb\xbf"))
    except Problem as problem:
        raise BadFile(_("This file cannot be read as JSON. %(why)s") % {"why": problem.sentence}) from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise BadFile(_("This is not the file of an agent: export one to see what it looks like."))
    if content.get("schema") not in READ:
        numbers = {"theirs": str(content.get("schema"))[:20], "ours": SCHEMA}
        raise BadFile(_("This file has the schema number %(theirs)s, and this server reads %(ours)s. Export it anew.") % numbers)
    parts, agent_id = content.get("agent"), content.get("agent_id", "")
    if not isinstance(parts, dict) or not isinstance(agent_id, str):
        raise BadFile(_("This file says nothing of an agent."))
    try:
        blueprint = checked(parts)
    except InvalidBlueprint as error:
        raise BadFile(_("%(part)s: %(wrong)s") % {"part": LABELS.get(error.field, "The file"), "wrong": error.sentence}) from None
    if not blueprint["name"]:
        raise BadFile(_("This file has no name for the agent."))
    return AgentFile(agent_id, blueprint, missing_here(blueprint, by, team), _tests(content.get("tests", [])))


def _tests(given: Any) -> list[dict[str, Any]]:
    """Raises BadFile."""
    if not isinstance(given, list) or len(given) > cases.CASES or not all(isinstance(each, dict) for each in given):
        raise BadFile(_("The tests in this file are no list of at most %(most)s tests.") % {"most": cases.CASES})
    if strange := {name for each in given for name in each} - set(cases.NAMES):
        raise BadFile(_("A test has no '%(name)s'.") % {"name": min(strange)[:40]})
    try:
        return [cases.checked({"message": "", **each}) for each in given]
    except cases.InvalidCase as error:
        raise BadFile(_("A test in this file cannot be one. %(why)s") % {"why": error.sentence}) from None


def missing_here(blueprint: Blueprint, by: User | None, team: int | None) -> list[str]:
    found = list(objections(blueprint, agent=None, by=by, team=team).values())
    model = availability(blueprint["model"])
    if blueprint["model"] and not model.ok and model.reason not in found:
        found.append(f"The model {blueprint['model']} cannot be used now. {model.reason}")
    known, tells_all = tools(blueprint["tools"]).values(), by is None or is_operator(by)
    return [*found, *(f"{tool.label}: {said}" for tool in known if (said := told_needs(tool, is_operator=tells_all)))]


def without_options(given: AgentFile, *, by: User | None, team: int | None) -> AgentFile:
    """For who may not set the settings of tools and of the model: they stay behind, and that is said."""
    if not given.blueprint["tool_options"] and not given.blueprint["model_options"]:
        return given
    blueprint = {**given.blueprint, **{name: empty()[name] for name in ("tool_options", "model_options")}}
    said = _("Your administrator sets the settings of its model and its tools.")
    return AgentFile(given.agent_id, blueprint, [*missing_here(blueprint, by, team), said], given.tests)


def _without_secrets(blueprint: Blueprint) -> dict[str, Any]:
    known = tools(blueprint["tools"])
    return {slug: _plain(known[slug], options) for slug, options in blueprint["tool_options"].items() if slug in known}


def _plain(tool: Tool, options: Mapping[str, Any]) -> dict[str, Any]:
    fields = tool.options.model_fields if tool.options else {}
    secret = {name for name, info in fields.items() if info.annotation in {SecretStr, SecretBytes}}
    return {name: value for name, value in options.items() if name not in secret}
