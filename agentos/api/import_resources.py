"""Imports as JSON."""

from typing import Any

from pydantic import BaseModel, Field, StrictBool

from agentos.api.schemas import AGENT, Moment, example

EXPORT_ID = "file_7p2x5c8v1b4n6m9q3w0e"
LEFT: dict[str, Any] = {"kind": "files", "count": 2, "what": "2 files and pictures", "examples": ["plan.pdf, in “Garden”"]}
IMPORT: dict[str, Any] = {
    "preview": False,
    "sources": ["ChatGPT"],
    "chats": 43,
    "messages": 310,
    "known": 0,
    "first": "2024-01-01T12:00:00Z",
    "last": "2024-05-01T12:00:00Z",
    "titles": ["Garden"],
    "left_out": [LEFT],
    "trouble": None,
}


class ImportChatsIn(BaseModel):
    """``file``: the id of the export, from `/files/`. ``agent_id``: who answers in these chats from now on; a preview needs none.
    ``archive``: into the archive. ``preview``: only say what would come."""

    model_config = example({"file": EXPORT_ID, "agent_id": AGENT["id"]})

    file: str = Field(min_length=1, max_length=100)
    agent_id: str = Field("", max_length=100)
    archive: StrictBool = False
    preview: StrictBool = False


class LeftOut(BaseModel):
    """``what``: the same for people. ``examples``: some of it by name."""

    model_config = example(LEFT)

    kind: str
    count: int
    what: str
    examples: list[str]


class ImportReport(BaseModel):
    """``chats``, ``messages``: which were brought, or would be. ``known``: chats of the file that were here already. ``first``, ``last``:
    when they were begun. ``titles``: of 20 of them. ``trouble``: why it ended before all were brought; what is counted is here."""

    model_config = example(IMPORT)

    preview: bool
    sources: list[str]
    chats: int
    messages: int
    known: int
    first: Moment | None
    last: Moment | None
    titles: list[str]
    left_out: list[LeftOut]
    trouble: str | None
