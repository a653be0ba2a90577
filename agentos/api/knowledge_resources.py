"""Knowledge as JSON: bases, their documents, and what a search finds."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from agentos.api.resources import optional
from agentos.api.schemas import Moment, example
from agentos.api.webhook_resources import TEAM_LIMIT
from agentos.core.http.strict_json import whole
from agentos.knowledge.models import DESCRIPTION_LENGTH, NAME_LENGTH, TITLE_LENGTH, URL_LENGTH

BASE_ID, DOCUMENT_ID = 4, 17
BASES_URL, DOCUMENTS_URL = "/api/v1/agentos/knowledge/", "/api/v1/agentos/documents/"
BASE: dict[str, Any] = {
    "id": BASE_ID,
    "name": "House rules",
    "description": "What holds in the house.",
    "scope": "everyone",
    "team": None,
    "documents": 1,
    "updated_at": "2024-01-01T12:00:00Z",
    "url": f"{BASES_URL}{BASE_ID}/",
}
DOCUMENT: dict[str, Any] = {
    "id": DOCUMENT_ID,
    "base": BASE_ID,
    "title": "rules.pdf",
    "source": "file",
    "page_url": None,
    "kind": "pdf",
    "status": "ready",
    "failure": None,
    "why": None,
    "pages": 12,
    "characters": 31_200,
    "done": 31,
    "total": 31,
    "created_at": "2024-01-01T12:00:00Z",
    "url": f"{DOCUMENTS_URL}{DOCUMENT_ID}/",
}
HIT: dict[str, Any] = {
    "document": DOCUMENT_ID,
    "title": "rules.pdf",
    "page": 3,
    "heading": "Quiet hours",
    "text": "From ten at night nobody plays the trombone.",
    "fits": True,
}
Scope = Literal["person", "team", "everyone"]
NAME: dict[str, Any] = {"minLength": 1, "maxLength": NAME_LENGTH, "pattern": r"\S"}


class Base(BaseModel):
    """``scope``: who may read it. ``team``: the key of its team. ``documents``: how many."""

    model_config = example(BASE)

    id: int
    name: str
    description: str
    scope: Scope
    team: int | None
    documents: int
    updated_at: Moment
    url: str


class BaseList(BaseModel):
    """By name. ``next`` is the number of the page after this one, null on the last."""

    model_config = example({"bases": [BASE], "next": None})

    bases: list[Base]
    next: int | None


class BaseIn(BaseModel):
    """``scope``: your own without one; ``everyone``, which operators may; ``team``, with one of yours."""

    model_config = example({"name": BASE["name"], "description": BASE["description"]})

    name: Annotated[str, Field(json_schema_extra=NAME)]
    description: Annotated[str, Field(json_schema_extra={"maxLength": DESCRIPTION_LENGTH})] = ""
    scope: Scope = "person"
    team: Annotated[int, Field(strict=True, ge=1, le=TEAM_LIMIT), BeforeValidator(whole)] | None = None


class BaseChange(BaseModel):
    """At least one of these."""

    model_config = example({"name": "Rules"}, minProperties=1)

    name: str = Field(default=None, json_schema_extra=optional(**NAME))  # type: ignore[assignment]  # only what was sent is read
    description: str = Field(default=None, json_schema_extra=optional(maxLength=DESCRIPTION_LENGTH))  # type: ignore[assignment]  # the same

    @model_validator(mode="after")
    def says_something(self) -> "BaseChange":
        if not self.model_fields_set:
            raise ValueError("Name what shall change: name or description")
        return self


class Document(BaseModel):
    """``status`` is queued, reading or indexing until it is ready or failed; meanwhile ``done`` of ``total`` passages are. ``failure`` says
    why it failed, ``why`` the same in words. ``page_url``: of a page of the web."""

    model_config = example(DOCUMENT)

    id: int
    base: int
    title: str
    source: Literal["file", "page", "text"]
    page_url: str | None
    kind: str
    status: Literal["queued", "reading", "indexing", "ready", "failed"]
    failure: str | None
    why: str | None
    pages: int
    characters: int
    done: int
    total: int
    created_at: Moment
    url: str


class DocumentList(BaseModel):
    """The newest first. ``next`` is the number of the page after this one, null on the last."""

    model_config = example({"documents": [DOCUMENT], "next": None})

    documents: list[Document]
    next: int | None


class DocumentIn(BaseModel):
    """One of these: a text, with a title if you like; the address of a page of the web; the id of a file of yours, from `/files/`."""

    model_config = example({"title": "Quiet hours", "text": "From ten at night nobody plays the trombone."})

    title: Annotated[str, Field(json_schema_extra={"maxLength": TITLE_LENGTH})] = ""
    text: Annotated[str, Field(json_schema_extra={"maxLength": 500_000})] = ""
    page_url: Annotated[str, Field(json_schema_extra={"maxLength": URL_LENGTH})] = ""
    file: Annotated[str, Field(max_length=100)] = ""


class Question(BaseModel):
    """What is looked for: a question, or its words."""

    model_config = example({"question": "When may I play the trombone?"})

    question: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": 1000, "pattern": r"\S"})]


class Hit(BaseModel):
    """A passage, and where it stands: ``document`` is its id. ``fits``: it has enough in common with the question; one that does not may
    answer it in other words, or be beside the point."""

    model_config = example(HIT)

    document: int
    title: str
    page: int
    heading: str
    text: str
    fits: bool


class HitList(BaseModel):
    """The best first; none where nothing comes near."""

    model_config = example({"passages": [HIT]})

    passages: list[Hit]
