"""Agents as they are made, as JSON: their drafts, their versions, and what trying a draft gives."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from agentos.agents.blueprint import (
    BASES,
    CAPABILITIES,
    CAPABILITY_LENGTH,
    CHOICES,
    FALLBACKS,
    MODEL_LENGTH,
    SKILLS,
    SLUG_LENGTH,
    TOOLS,
    ModelOptions,
)
from agentos.agents.models import MEMBERS, NOTE_LENGTH, STARTER_LENGTH, STARTERS, TASK_LENGTH
from agentos.api.resources import Requirement, TextPart, ToolPart
from agentos.api.schemas import Message, Moment, example
from agentos.api.webhook_resources import TEAM, TEAM_LIMIT
from agentos.core.http.strict_json import whole
from agentos.knowledge.models import NAME_LENGTH as BASE_LENGTH
from agentos.skills.models import NAME_LENGTH as SKILL_LENGTH

PARTS = {
    "name": "Letter Helper",
    "description": "Drafts friendly letters.",
    "kind": "agent",
    "mode": "coordinate",
    "members": [],
    "instructions": "You write short, friendly letters.",
    "model": "openai:gpt-5.4",
    "fallbacks": ["openai:gpt-5.4-mini"],
    "choices": ["openai:gpt-5.4-mini"],
    "effort_choice": True,
    "model_options": {"temperature": 0.4},
    "tools": ["clock"],
    "tool_policies": {"clock": "ask"},
    "tool_options": {},
    "skills": ["brand-voice"],
    "bases": ["House rules"],
    "capabilities": ["Letters"],
    "starters": ["Write to Ada that we meet on Friday."],
}
FILE = {"kind": "agentos-agent", "schema": 3, "agent_id": "letter-helper", "agent": PARTS, "tests": []}
MADE_URL = "/api/v1/agentos/workshop/agents/letter-helper/"
VERSION = {
    "number": 3,
    "note": "Kinder",
    "by": "Olivia Owner",
    "at": "2024-01-01T12:00:00Z",
    "blueprint": PARTS,
    "url": f"{MADE_URL}versions/3/",
}
MADE = {
    "id": "letter-helper",
    "name": "Letter Helper",
    "version": 3,
    "active": True,
    "team": TEAM,
    "for_everyone": False,
    "personal": False,
    "plans": [],
    "blueprint": PARTS,
    "has_draft": True,
    "stamp": "3-12",
    "missing": {},
    "url": MADE_URL,
}


def listed_most(number: int) -> Any:
    """A list that may be left out, of at most so many."""
    return Field(default_factory=list, json_schema_extra={"maxItems": number})


class AgentTeam(BaseModel):
    """A team whose members may use an agent."""

    id: int
    name: str


class TeamMember(BaseModel):
    """``agent``: its id. ``task``: what it is there for, which may be empty."""

    model_config = {**example({"agent": "fact-checker", "task": "Checks the figures."}), "extra": "forbid"}

    agent: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": SLUG_LENGTH, "pattern": r"\S"})]
    task: Annotated[str, Field(json_schema_extra={"maxLength": TASK_LENGTH})] = ""


Kind = Literal["agent", "team", "steps"]
Mode = Literal["coordinate", "route", "broadcast"]


class Blueprint(BaseModel):
    """What an agent is made of. ``kind``: one agent, a team that its model leads, or steps that follow each other. ``mode``: how a team
    works. ``members``: of a team, or the steps, in their order. ``tool_policies``: by the slug of a tool, where it is not the tool's own;
    ``tool_options``: its settings, which only operators change. ``skills``, ``bases``: names of its skills and knowledge bases.
    ``choices``: models that members may choose in the place of its own, and ``effort_choice`` whether they choose the effort.
    ``model_options``: temperature and max_tokens, and what its model can where an operator knows better: sees, hears, reads_pdf,
    context."""

    model_config = example(PARTS)

    name: str
    description: str
    kind: Kind
    mode: Mode
    members: list[TeamMember]
    instructions: str
    model: str
    fallbacks: list[str]
    choices: list[str]
    effort_choice: bool
    model_options: dict[str, bool | float | int]
    tools: list[str]
    tool_policies: dict[str, Literal["ask", "auto"]]
    tool_options: dict[str, dict[str, Any]]
    skills: list[str]
    bases: list[str]
    capabilities: list[str]
    starters: list[str]


class MadeAgent(BaseModel):
    """An agent that the caller may change. ``personal``: it is one person's alone, and ``team`` is the one that allows it. ``version`` is
    the one that is used, 0 before the first. ``blueprint``: what the next publishing publishes, the draft where there is one
    (``has_draft``). ``stamp`` names this state of it. ``missing``: by part, what has to be done before it can be published."""

    model_config = example(MADE)

    id: str
    name: str
    version: int
    active: bool
    team: AgentTeam | None
    for_everyone: bool
    personal: bool
    plans: list[int]
    blueprint: Blueprint
    has_draft: bool
    stamp: str
    missing: dict[str, str]
    url: str


class ListedAgent(BaseModel):
    """``drafted_at``: when the draft that waits was saved; null where none waits."""

    id: str
    name: str
    version: int
    active: bool
    team: AgentTeam | None
    for_everyone: bool
    personal: bool
    drafted_at: Moment | None
    url: str


class MadeAgentList(BaseModel):
    """By name. ``next`` is the number of the page after this one, null on the last."""

    agents: list[ListedAgent]
    next: int | None


PRICE = {"currency": "USD", "read": "2.5", "written": "15", "varies": True}
MODEL = {
    "model": "openai:gpt-5.4",
    "label": "gpt-5.4 (OpenAI)",
    "available": True,
    "missing": "",
    "sees": True,
    "hears": False,
    "reads_pdf": True,
    "thinks": True,
    "tools": True,
    "structured": True,
    "context": 1_050_000,
    "price": PRICE,
}


class ModelPrice(BaseModel):
    """Of a million tokens, those read and those written, as decimal numbers; null where it is not known. ``varies``: by the time of day, or
    by the length of the request; then this is the lowest."""

    model_config = example(PRICE)

    currency: str
    read: str | None
    written: str | None
    varies: bool


class Model(BaseModel):
    """A model and what it can. Null: not known. ``context``: how many tokens it reads at once. ``missing``: what has to be done before it
    can be used. ``price`` is from a list that this server brings along, and nobody's offer."""

    model_config = example(MODEL)

    model: str
    label: str
    available: bool
    missing: str
    sees: bool | None
    hears: bool | None
    reads_pdf: bool
    thinks: bool | None
    tools: bool
    structured: bool
    context: int | None
    price: ModelPrice | None


class ModelList(BaseModel):
    """Those that are suggested, of the providers that are set up here."""

    model_config = example({"models": [MODEL]})

    models: list[Model]


class BlueprintChange(BaseModel):
    """What shall change; the rest stays. What each may be is checked as in the workshop."""

    model_config = {**example({"instructions": PARTS["instructions"]}), "extra": "forbid"}

    # The lengths are declared here and checked by agents.blueprint, which counts what is kept.
    name: Annotated[str, Field(json_schema_extra={"maxLength": 80})] = ""
    description: Annotated[str, Field(json_schema_extra={"maxLength": 300})] = ""
    kind: Kind = "agent"
    mode: Mode = "coordinate"
    members: list[TeamMember] = listed_most(MEMBERS)
    instructions: Annotated[str, Field(json_schema_extra={"maxLength": 20_000})] = ""
    model: Annotated[str, Field(json_schema_extra={"maxLength": MODEL_LENGTH})] = ""
    fallbacks: list[Annotated[str, Field(json_schema_extra={"maxLength": MODEL_LENGTH})]] = listed_most(FALLBACKS)
    choices: list[Annotated[str, Field(json_schema_extra={"maxLength": MODEL_LENGTH})]] = listed_most(CHOICES)
    effort_choice: StrictBool = False
    model_options: ModelOptions = Field(default_factory=ModelOptions)
    tools: list[Annotated[str, Field(json_schema_extra={"maxLength": SLUG_LENGTH})]] = listed_most(TOOLS)
    tool_policies: dict[str, Literal["ask", "auto"]] = Field(default_factory=dict)
    tool_options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    skills: list[Annotated[str, Field(json_schema_extra={"maxLength": SKILL_LENGTH})]] = listed_most(SKILLS)
    bases: list[Annotated[str, Field(json_schema_extra={"maxLength": BASE_LENGTH})]] = listed_most(BASES)
    capabilities: list[Annotated[str, Field(json_schema_extra={"maxLength": CAPABILITY_LENGTH})]] = listed_most(CAPABILITIES)
    starters: list[Annotated[str, Field(json_schema_extra={"maxLength": STARTER_LENGTH})]] = listed_most(STARTERS)

    def parts(self) -> dict[str, Any]:
        found = self.model_dump(exclude_unset=True)
        if "model_options" in found:
            found["model_options"] = self.model_options.model_dump(exclude_none=True)
        return found


class NewAgent(BaseModel):
    """``id`` is made of the name without one. ``team``: whose agent it is; for owners and admins one of theirs, which
    need not be named where there is only one."""

    model_config = example({"name": "Letter Helper", "blueprint": {"instructions": PARTS["instructions"]}})

    name: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": 80, "pattern": r"\S"})]
    id: Annotated[str, Field(json_schema_extra={"maxLength": 64, "pattern": r"^([a-z0-9][a-z0-9_-]*)?$"})] = ""
    team: Annotated[int, Field(strict=True, ge=1, le=TEAM_LIMIT), BeforeValidator(whole)] | None = None
    blueprint: BlueprintChange = Field(default_factory=BlueprintChange)


class DraftChange(BaseModel):
    """With ``stamp``, of the draft that was read, nothing is saved over what somebody else has saved since: 409 ``draft_changed``."""

    model_config = example({"blueprint": {"instructions": PARTS["instructions"]}})

    blueprint: BlueprintChange
    stamp: str | None = None


class PublishIn(BaseModel):
    model_config = example({"note": "Kinder"})

    note: Annotated[str, Field(json_schema_extra={"maxLength": NOTE_LENGTH})] = ""
    stamp: str | None = None


class AgentVersionOut(BaseModel):
    """``by`` is null for the system, and for an account that is gone."""

    model_config = example(VERSION)

    number: int
    note: str
    by: str | None
    at: Moment
    blueprint: Blueprint
    url: str


class AgentVersionList(BaseModel):
    """The newest first. ``next`` is the number of the page after this one, null on the last."""

    model_config = example({"versions": [VERSION], "next": None})

    versions: list[AgentVersionOut]
    next: int | None


class RestoreIn(BaseModel):
    model_config = example({"note": "The friendly one again"})

    note: Annotated[str, Field(json_schema_extra={"maxLength": NOTE_LENGTH})] = ""


class TriedMessage(BaseModel):
    role: Literal["user", "assistant"]
    content: str


class TryIn(BaseModel):
    """``history``: what was said before, which nobody else keeps. ``blueprint``: what shall be tried beside what the draft has; it is
    not saved."""

    model_config = example({"message": "Write to Ada.", "history": [], "blueprint": {"tools": []}})

    message: Message
    history: list[TriedMessage] = Field(default_factory=list, max_length=80)
    blueprint: BlueprintChange = Field(default_factory=BlueprintChange)


class Tried(BaseModel):
    """How it went. Of a trial that asks for approval (``waiting``) the ``requirements`` say for what; it ends there. Nothing is kept."""

    model_config = example(
        {
            "status": "completed",
            "answer": "Dear Ada,",
            "parts": [],
            "requirements": [],
            "input_tokens": 40,
            "output_tokens": 12,
            "error": None,
        }
    )

    status: Literal["completed", "failed", "interrupted", "stopped", "waiting"]
    answer: str
    parts: list[TextPart | ToolPart]
    requirements: list[Requirement]
    input_tokens: int
    output_tokens: int
    error: str | None


class MakingTeam(BaseModel):
    """``personal_agents``: whether its members may copy its agents for themselves."""

    model_config = example({**TEAM, "personal_agents": True})

    id: int
    name: str
    personal_agents: bool


class MakingTeamList(BaseModel):
    """By name."""

    teams: list[MakingTeam]


class MakingTeamChange(BaseModel):
    model_config = {**example({"personal_agents": True}), "extra": "forbid"}

    personal_agents: StrictBool


TeamKey = Annotated[int, Field(strict=True, ge=1, le=TEAM_LIMIT), BeforeValidator(whole)]


class Sharing(BaseModel):
    """Who may use an agent. With none of it, nobody. ``for_everyone`` and ``plans`` are the operators'."""

    model_config = {**example({"team": TEAM["id"], "for_everyone": False, "plans": []}), "extra": "forbid"}

    team: TeamKey | None
    for_everyone: StrictBool = False
    plans: list[TeamKey] = Field(default_factory=list, max_length=100)


class CopyIn(BaseModel):
    """``personal``: for the caller alone. Else ``team``, as for a new agent."""

    model_config = {**example({"personal": True}), "extra": "forbid"}

    personal: StrictBool = False
    team: TeamKey | None = None


class BroughtAgent(MadeAgent):
    """``notes``: what has to be done before it can do what it did, a sentence each."""

    model_config = example({**MADE, "notes": []})

    notes: list[str]


class ImportIn(BaseModel):
    """``file``: as the export gives it."""

    model_config = {
        **example(
            {"file": {"kind": "agentos-agent", "schema": 3, "agent_id": "letter-helper", "agent": PARTS, "tests": []}, "team": TEAM["id"]}
        ),
        "extra": "forbid",
    }

    file: dict[str, Any]
    team: TeamKey | None = None
