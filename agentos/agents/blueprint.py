"""What an agent is made of: the one place that says which parts a draft, a version and a file have, and what each may be.

A blueprint is a plain dict with a value for every part. A draft may lack things, a published version may not: ``checked`` looks at what
each part may be at all, ``agents.readiness`` at what is missing before anybody can use it. Who may use an agent is no part of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from agentos.agents.models import MEMBERS, STARTER_LENGTH, STARTERS, TASK_LENGTH, DjangoAgent
from agentos.agents.providers import PROVIDERS, availability, split
from agentos.agents.tools import Tool, not_offered, tools
from agentos.agents.tools.definition import POLICIES
from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.core.text import clean
from agentos.knowledge import queries as knowledge
from agentos.knowledge.models import NAME_LENGTH as BASE_LENGTH
from agentos.skills.models import NAME_LENGTH as SKILL_LENGTH
from agentos.skills.queries import missing

Blueprint = dict[str, Any]
Kind, Mode = DjangoAgent.Kind, DjangoAgent.Mode

CAPABILITIES = 20
CAPABILITY_LENGTH = 60  # characters
TOOLS = 200  # of one agent
SKILLS = 100  # of one agent
BASES = 30  # of one agent
CHOICES = 10  # models that members may choose
FALLBACKS = 5  # models that stand in for its own
MODEL_LENGTH = 120  # characters
SLUG_LENGTH = 200  # characters
OPTIONS_LIMIT = 20_000  # characters of JSON


class InvalidBlueprint(Problem):
    """A part of a blueprint is what it may not be. ``errors``: a sentence by part."""

    status = 422
    code = "invalid_fields"

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        self.field, sentence = next(iter(self.errors.items()))
        super().__init__(self.status, sentence)


class ModelOptions(BaseModel):
    """How a model is asked, where it is not as the provider has it, and what it can, where that is not as ``agents.abilities`` has it.
    ``max_tokens``: of one request's answer. ``context``: tokens that it reads at once."""

    model_config = ConfigDict(extra="forbid")

    temperature: Annotated[float, Field(strict=True, ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(strict=True, ge=1, le=1_000_000), BeforeValidator(strict_json.whole)] | None = None
    sees: Annotated[bool, Field(strict=True)] | None = None
    hears: Annotated[bool, Field(strict=True)] | None = None
    reads_pdf: Annotated[bool, Field(strict=True)] | None = None
    context: Annotated[int, Field(strict=True, ge=1_000, le=100_000_000), BeforeValidator(strict_json.whole)] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """``read`` returns a value as it is kept, and raises ValidationError for what cannot be one. ``empty`` is what a new agent has.
    ``lines``: how people read it, where it is neither a text nor a list of texts nor an object of them."""

    name: str
    label: str
    read: Callable[[Any], Any]
    empty: Any = ""
    lines: Callable[[Any], list[str]] | None = None


def _text(name: str) -> Callable[[Any], str]:
    """A text that the column of this name takes."""
    column: Any = DjangoAgent._meta.get_field(name)  # noqa: SLF001 - Django's public way to a model's columns
    limit: int = column.max_length

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("This is a text.")
        text = clean(value)
        text = text.strip() if name == "instructions" else " ".join(text.split())
        if len(text) > limit:
            raise ValidationError(f"At most {limit:,} characters; this has {len(text):,}.")
        return text

    return read


def texts(most: int, length: int) -> Callable[[Any], list[str]]:
    """A list of short texts, none of them twice."""

    def read(value: Any) -> list[str]:
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise ValidationError("This is a list of texts.")
        texts = list(dict.fromkeys(text for each in value if (text := " ".join(clean(each).split()))))
        if len(texts) > most:
            raise ValidationError(f"At most {most}; these are {len(texts)}.")
        if too_long := next((text for text in texts if len(text) > length), ""):
            raise ValidationError(f"Each has at most {length} characters: {too_long[:40]}…")
        return texts

    return read


def _policies(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(slug, str) and policy in POLICIES for slug, policy in value.items()):
        raise ValidationError(f"By the tool's slug, one of: {', '.join(POLICIES)}.")
    return dict(value)


def _options(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(slug, str) and isinstance(chosen, dict) for slug, chosen in value.items()):
        raise ValidationError("By the tool's slug, an object with its settings.")
    if len(json.dumps(value, default=str)) > OPTIONS_LIMIT:
        raise ValidationError(f"At most {OPTIONS_LIMIT:,} characters of JSON.")
    return dict(value)


def _choice(choices: type[TextChoices], *without: str) -> Callable[[Any], str]:
    possible = [value for value in choices.values if value not in without]

    def read(value: Any) -> str:
        if value not in possible:
            raise ValidationError(f"One of: {', '.join(possible)}.")
        return str(value)

    return read


def _members(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list | tuple) or not all(_is_member(each) for each in value):
        raise ValidationError("A list of objects, each with the id of an 'agent' and a 'task', which may be empty.")
    if len(value) > MEMBERS:
        raise ValidationError(f"At most {MEMBERS} members; these are {len(value)}.")
    found = [{"agent": clean(each["agent"]).strip(), "task": " ".join(clean(each.get("task", "")).split())} for each in value]
    if too_long := next((each for each in found if len(each["task"]) > TASK_LENGTH), None):
        raise ValidationError(f"A task has at most {TASK_LENGTH} characters: {too_long['task'][:40]}…")
    return found


def _is_member(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= {"agent", "task"}
        and isinstance(agent_id := value.get("agent"), str)
        and bool(agent_id.strip())
        and len(agent_id) <= SLUG_LENGTH
        and isinstance(value.get("task", ""), str)
    )


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValidationError("This is yes or no.")
    return value


def _model_options(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValidationError("An object with temperature, max_tokens, sees, hears, reads_pdf and context.")
    try:
        return ModelOptions.model_validate(value).model_dump(exclude_none=True)
    except PydanticError as error:
        first = error.errors()[0]
        raise ValidationError(f"{'.'.join(str(place) for place in first['loc'])}: {first['msg']}.") from None


PARTS: tuple[Part, ...] = (
    Part("name", "Name", _text("name")),
    Part("description", "Description", _text("description")),
    Part("kind", "Made of", _choice(Kind, Kind.CODE), Kind.AGENT.value, lambda kind: [str(Kind(kind).label)]),
    Part("mode", "How the team works", _choice(Mode), Mode.COORDINATE.value, lambda mode: [str(Mode(mode).label)]),
    Part("members", "Members", _members, []),
    Part("instructions", "Instructions", _text("instructions")),
    Part("model", "Model", _text("model")),
    Part("fallbacks", "Models that stand in", texts(FALLBACKS, MODEL_LENGTH), []),
    Part("choices", "Models to choose from", texts(CHOICES, MODEL_LENGTH), []),
    Part("effort_choice", "Choice of effort", _yes_or_no, False),
    Part("model_options", "Settings of the model", _model_options, {}),
    Part("tools", "Tools", texts(TOOLS, SLUG_LENGTH), []),
    Part("tool_policies", "Approvals", _policies, {}),
    Part("tool_options", "Settings of tools", _options, {}),
    Part("skills", "Skills", texts(SKILLS, SKILL_LENGTH), []),
    Part("bases", "Knowledge", texts(BASES, BASE_LENGTH), []),
    Part("capabilities", "Capabilities", texts(CAPABILITIES, CAPABILITY_LENGTH), []),
    Part("starters", "Starters", texts(STARTERS, STARTER_LENGTH), []),
)
NAMES = tuple(part.name for part in PARTS)
COLUMNS = tuple(name for name in NAMES if name != "members")  # of an agent's row
LABELS = {part.name: part.label for part in PARTS}


def empty() -> Blueprint:
    return {part.name: _copy(part.empty) for part in PARTS}


def blueprint_of(agent: DjangoAgent) -> Blueprint:
    """What is published of an agent. Asks the database for members, where there can be some."""
    roster = agent.roster.select_related("agent") if agent.kind in DjangoAgent.MADE_OF_AGENTS else ()
    members = [{"agent": each.agent.agent_id, "task": each.task} for each in roster]
    return {**empty(), **{name: _copy(getattr(agent, name)) for name in COLUMNS}, "members": members}


def whole(stored: Mapping[str, Any]) -> Blueprint:
    """A blueprint as it was stored once, with the parts that there are today."""
    return {part.name: _copy(stored.get(part.name, part.empty)) for part in PARTS}


def apply(agent: DjangoAgent, blueprint: Blueprint) -> None:
    """Make an agent, which is not saved here, what a blueprint says. Its members are rows: ``agents.members`` places them."""
    for name in COLUMNS:
        setattr(agent, name, _copy(blueprint[name]))


def checked(given: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> Blueprint:
    """Return a blueprint as it is kept, of ``base`` with what is ``given``. Raises InvalidBlueprint."""
    errors = {name: f"An agent has no '{name[:40]}'." for name in given if name not in NAMES}
    found = whole(base or {})
    for part in PARTS:
        if part.name in given:
            try:
                found[part.name] = part.read(given[part.name])
            except ValidationError as error:
                errors[part.name] = " ".join(error.messages)
    has_members = found["kind"] in DjangoAgent.MADE_OF_AGENTS
    if given.get("members") and not has_members and "kind" not in errors:
        errors.setdefault("members", "Only a team and steps have members: change what it is made of, too.")
    if errors:
        raise InvalidBlueprint(errors)
    for name in ("tool_policies", "tool_options"):  # of tools that the agent has
        found[name] = {slug: value for slug, value in found[name].items() if slug in found["tools"]}
    if not has_members:
        found["members"] = []
    return found


def objections_to_parts(blueprint: Blueprint, team: int | None) -> dict[str, str]:
    """Return, by part, what is missing in the parts themselves, of an agent of this team. What there is to be done at all is known to
    ``agents.readiness``."""
    found = {}
    if not blueprint["name"]:
        found["name"] = "Give it a name."
    if not blueprint["model"]:
        found["model"] = "Choose the model that answers."
    elif not _is_model(blueprint["model"]):
        found["model"] = availability(blueprint["model"]).reason
    for name in ("fallbacks", "choices"):
        if strange := [model for model in blueprint[name] if not _is_model(model)]:
            found[name] = availability(strange[0]).reason
    if absent := missing(blueprint["skills"], team):
        found["skills"] = f"There are no such skills here: {', '.join(absent)}. Take them away, or bring them first."
    if absent := knowledge.missing(blueprint["bases"], team):
        found["bases"] = f"There are no such knowledge bases here: {', '.join(absent)}. Take them away, or make them first."
    return found | _objections_to_tools(blueprint)


def _is_model(model: str) -> bool:
    slug, model_id = split(model)
    return slug in PROVIDERS and bool(model_id.strip())


def _objections_to_tools(blueprint: Blueprint) -> dict[str, str]:
    found = {}
    if unknown := not_offered(blueprint["tools"]):
        found["tools"] = f"These tools are not offered here: {', '.join(unknown)}. Take them away, or ask your administrator for them."
    for slug, tool in tools(blueprint["tools"]).items():
        if (policy := blueprint["tool_policies"].get(slug, tool.policy)) not in tool.policies:
            found["tool_policies"] = f"{tool.label} cannot be set to '{policy}', only to: {', '.join(tool.policies)}."
        if sentence := objection_to_options(tool, blueprint["tool_options"].get(slug, {})):
            found["tool_options"] = f"{tool.label}: {sentence}"
    return found


def objection_to_options(tool: Tool, options: Mapping[str, Any]) -> str:
    """Return what is wrong with the settings of a tool; nothing when they can be used."""
    if tool.options is None:
        return "It has no settings." if options else ""
    try:
        tool.options.model_validate(options)
    except PydanticError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(place) for place in first['loc'])}: {first['msg']}"
    return ""


def _copy(value: Any) -> Any:
    """Nobody changes a stored blueprint by changing a list of another one."""
    return value if isinstance(value, str) else json.loads(json.dumps(value))
