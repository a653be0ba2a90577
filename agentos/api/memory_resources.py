"""What agents remember of a person, as JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool, model_validator

from agentos.api.resources import optional
from agentos.api.schemas import AGENT, SESSION, Moment, example
from agentos.memories.models import TEXT_LIMIT

NUMBER = 2
CHOICE = {"text": "Wants answers in metric units.", "agent_id": AGENT["id"]}
MEMORY = {
    "number": NUMBER,
    **CHOICE,
    "noted_by": "model",
    "session_id": SESSION["id"],
    "created_at": "2024-01-01T11:00:00Z",
    "updated_at": "2024-01-01T11:00:00Z",
}
LENGTH = {"minLength": 1, "maxLength": TEXT_LIMIT, "pattern": r"\S"}

Text = Annotated[str, Field(json_schema_extra={**LENGTH})]
AgentChoice = Annotated[str | None, Field(description="The agent that is told it; null for all that have a memory.")]


class Memory(BaseModel):
    """``agent_id``: of the agent that is told it; null for all that have a memory. ``session_id``: where an agent noted it."""

    model_config = example(MEMORY)

    number: int
    text: str
    agent_id: str | None
    noted_by: Literal["model", "user"]
    session_id: str | None
    created_at: Moment
    updated_at: Moment


class MemoryList(BaseModel):
    """``enabled``: whether agents remember anything, and are told it. The newest first; all of them, at most 200."""

    model_config = example({"enabled": True, "memories": [MEMORY]})

    enabled: bool
    memories: list[Memory]


class MemorySwitch(BaseModel):
    model_config = example({"enabled": True})

    enabled: StrictBool


class MemoryIn(BaseModel):
    model_config = example(CHOICE)

    text: Text
    agent_id: AgentChoice = None


class MemoryChange(BaseModel):
    """At least one of these."""

    model_config = example({"text": "Wants answers in metric units."}, minProperties=1)

    text: str = Field(default=None, json_schema_extra=optional(**LENGTH))  # type: ignore[assignment]  # only what was sent is read
    agent_id: AgentChoice = Field(default=None)

    @model_validator(mode="after")
    def says_something(self) -> "MemoryChange":
        if not self.model_fields_set:
            raise ValueError("Name what shall change")
        return self
