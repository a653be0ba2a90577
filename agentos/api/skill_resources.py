"""Skills as JSON: what they are for, what stands in them, their files and their versions."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from agentos.api.resources import optional
from agentos.api.schemas import Moment, example
from agentos.api.webhook_resources import TEAM, TEAM_LIMIT
from agentos.api.workshop_resources import AgentTeam
from agentos.core.http.strict_json import whole
from agentos.skills.models import DESCRIPTION_LENGTH, NAME_LENGTH, NOTE_LENGTH
from agentos.skills.packing import FILES

SKILL_ID = 7
SKILLS_URL = "/api/v1/agentos/skills/"
CHOICE = {"name": "brand-voice", "description": "How we write to customers.", "body": "Write *you*."}
TEXT = "---\nname: brand-voice\ndescription: How we write to customers.\n---\n\nWrite *you*.\n"
FILE = {"path": "references/words.md", "size": 24, "is_text": True}
LISTED = {
    "id": SKILL_ID,
    "name": CHOICE["name"],
    "description": CHOICE["description"],
    "team": TEAM,
    "version": 3,
    "source": None,
    "updated_at": "2024-01-01T12:00:00Z",
    "url": f"{SKILLS_URL}{SKILL_ID}/",
}
SKILL = {**LISTED, "body": CHOICE["body"], "text": TEXT, "files": [FILE]}
VERSION = {
    "number": 2,
    "note": "Kinder",
    "by": "Olivia Owner",
    "at": "2024-01-01T12:00:00Z",
    "text": TEXT,
    "files": [FILE],
    "url": f"{SKILLS_URL}{SKILL_ID}/versions/2/",
}

NAME: dict[str, Any] = {"minLength": 1, "maxLength": NAME_LENGTH, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}
DESCRIPTION: dict[str, Any] = {"minLength": 1, "maxLength": DESCRIPTION_LENGTH, "pattern": r"^\S.*$"}
BODY: dict[str, Any] = {"minLength": 1, "maxLength": 90_000, "pattern": r"\S"}
PATHS: dict[str, Any] = {"maxProperties": FILES, "propertyNames": {"pattern": "^[a-z0-9]{1,30}[.]md$"}}


class SkillFile(BaseModel):
    """A file beside SKILL.md. What is no text, agents cannot read."""

    path: str
    size: int
    is_text: bool


class ListedSkill(BaseModel):
    """``team``: whose agents may use it; null for all. ``source``: the package of ``AGENTOS_SKILLS`` that has it, where alone it is
    changed."""

    model_config = example(LISTED)

    id: int
    name: str
    description: str
    team: AgentTeam | None
    version: int
    source: str | None
    updated_at: Moment
    url: str


class SkillList(BaseModel):
    """By name. ``next`` is the number of the page after this one, null on the last."""

    model_config = example({"skills": [LISTED], "next": None})

    skills: list[ListedSkill]
    next: int | None


class Skill(ListedSkill):
    """``text`` is the whole SKILL.md; ``body`` what stands below its front matter."""

    model_config = example(SKILL)

    body: str
    text: str
    files: list[SkillFile]


class SkillIn(BaseModel):
    """``files``: texts by path. ``team``: of whose agents; for owners and admins one of theirs, which need not be named where there is
    only one; operators leave it out for a skill of everybody."""

    model_config = example({**CHOICE, "files": {FILE["path"]: "We say you, never one.\n"}})

    name: Annotated[str, Field(json_schema_extra=NAME)]
    description: Annotated[str, Field(json_schema_extra=DESCRIPTION)]
    body: Annotated[str, Field(json_schema_extra=BODY)]
    files: dict[str, str] = Field(default_factory=dict, json_schema_extra=PATHS)
    team: Annotated[int, Field(strict=True, ge=1, le=TEAM_LIMIT), BeforeValidator(whole)] | None = None


class SkillChange(BaseModel):
    """At least one of these; the rest stays, and so do other keys of the front matter. ``files``: texts by path, which are added or
    replaced; null takes a file away. With ``version``, of the skill that was read, nothing is saved over what somebody else has saved
    since: 409 ``skill_changed``."""

    model_config = example({"body": "Write *you*, and be brief.", "note": "Briefer"}, minProperties=1)

    name: str = Field(default=None, json_schema_extra=optional(**NAME))  # type: ignore[assignment]  # only what was sent is read
    description: str = Field(default=None, json_schema_extra=optional(**DESCRIPTION))  # type: ignore[assignment]
    body: str = Field(default=None, json_schema_extra=optional(**BODY))  # type: ignore[assignment]
    files: dict[str, str | None] = Field(default_factory=dict, json_schema_extra=PATHS)
    note: Annotated[str, Field(json_schema_extra={"maxLength": NOTE_LENGTH})] = ""
    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), BeforeValidator(whole)] | None = None

    @model_validator(mode="after")
    def says_something(self) -> "SkillChange":
        if not self.model_fields_set:
            raise ValueError("Name what shall change")
        return self

    def parts(self) -> dict[str, Any]:
        return self.model_dump(include=self.model_fields_set & {"name", "description", "body"})


class SkillVersion(BaseModel):
    """``by`` is null for a package, and for an account that is gone."""

    model_config = example(VERSION)

    number: int
    note: str
    by: str | None
    at: Moment
    text: str
    files: list[SkillFile]
    url: str


class SkillVersionList(BaseModel):
    """The newest first. ``next`` is the number of the page after this one, null on the last."""

    model_config = example({"versions": [VERSION], "next": None})

    versions: list[SkillVersion]
    next: int | None


class SkillFileContent(SkillFile):
    """``text`` is null for what is none."""

    model_config = example({**FILE, "text": "We say you, never one.\n"})

    text: str | None
