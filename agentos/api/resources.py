"""Chats and runs as JSON: what the endpoints beside the spec's take and give."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, StrictInt, model_validator

from agentos.api.file_resources import RunFile
from agentos.api.schemas import SESSION, EffortChoice, Files, Message, ModelName, Moment, Session, example
from agentos.chat.actions.runs import FEEDBACK_LIMIT
from agentos.chat.models import TITLE_LIMIT
from agentos.core.http.strict_json import whole

RUN_ID = "run_7h2k5d9s0a3f6g8j1l4z"
TURN_LIMIT = 2**31 - 1

FULL_SESSION: dict[str, Any] = {
    **SESSION,
    "pinned": False,
    "archived": False,
    "status": "idle",
    "unread": False,
    "forked_from": None,
    "forked_at_turn": None,
    "fork_count": 0,
    "approved_tools": [],
    "bases": [],
    "url": f"/api/v1/agentos/sessions/{SESSION['id']}/",
}
EXCERPT = {
    "run_id": RUN_ID,
    "turn": 3,
    "of": "answer",
    "text": "…two weeks of holiday in Lisbon…",
    "matches": [{"start": 14, "end": 21}],
    "run_url": f"/api/v1/agentos/runs/{RUN_ID}/",
}
TOOL_PART = {
    "kind": "tool",
    "call_id": "call_1",
    "name": "calculator",
    "args": {"expression": "6 * 7"},
    "status": "finished",
    "result": "42",
    "seconds": 0.01,
}
COST = {"micro": 550, "currency": "USD", "source": "list"}
RUN = {
    "id": RUN_ID,
    "session_id": SESSION["id"],
    "agent_id": "assistant",
    "model": "openai:gpt-5.4",
    "effort": None,
    "agent_version": 3,
    "turn": 1,
    "status": "completed",
    "message": "What is six times seven?",
    "files": [],
    "answer": "It is 42.",
    "parts": [TOOL_PART, {"kind": "text", "text": "It is 42."}],
    "error": None,
    "requirements": [],
    "feedback": None,
    "edition": 1,
    "editions": 1,
    "version": 1,
    "versions": 1,
    "hidden": False,
    "input_tokens": 112,
    "output_tokens": 18,
    "cached_tokens": 0,
    "reasoning_tokens": 0,
    "cost": COST,
    "created_at": "2024-01-01T12:00:00Z",
    "started_at": "2024-01-01T12:00:00Z",
    "finished_at": "2024-01-01T12:00:02Z",
    "url": f"/api/v1/agentos/runs/{RUN_ID}/",
    "events_url": f"/api/v1/agentos/runs/{RUN_ID}/events/",
}
STARTED = {
    "success": True,
    "run_id": RUN_ID,
    "status": "queued",
    "session_id": SESSION["id"],
    "agent_id": "assistant",
    "url": RUN["url"],
    "events_url": RUN["events_url"],
}


def optional(**extra: Any) -> Callable[[dict[str, Any]], None]:
    """Of a field that may be left out, but not be null."""

    def describe(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema.update(extra)

    return describe


class FullSession(Session):
    """A chat with all that lists show of it. ``status`` says what its runs are doing; ``unread``, that an answer has ended, or waits,
    which no page has shown yet; ``approved_tools``, which functions are called in it without asking, by its owner's approval;
    ``bases``, ids of knowledge bases that its owner has brought."""

    model_config = example(FULL_SESSION)

    pinned: bool
    archived: bool
    status: Literal["idle", "running", "waiting"]
    unread: bool
    forked_from: str | None
    forked_at_turn: int | None
    fork_count: int
    approved_tools: list[str]
    bases: list[int]
    url: str


class Match(BaseModel):
    """From one character (counted from 0, as Unicode counts them) to before another."""

    start: int
    end: int


class Excerpt(BaseModel):
    """A piece of what was said in a run, and where in it something is that was looked for."""

    model_config = example(EXCERPT)

    run_id: str
    turn: int
    of: Literal["message", "answer"]
    text: str
    matches: list[Match]
    run_url: str


class ListedSession(FullSession):
    """``excerpts``: of a search, where the session has the words: in the turn that has most of them. Empty where only its title or its
    agent's name has them, and without a search."""

    model_config = example({**FULL_SESSION, "excerpts": [EXCERPT]})

    excerpts: list[Excerpt]


class SessionList(BaseModel):
    """``next`` is the cursor of the page after this one, null on the last."""

    model_config = example({"sessions": [{**FULL_SESSION, "excerpts": [EXCERPT]}], "next": "4711"})

    sessions: list[ListedSession]
    next: str | None


class SessionChange(BaseModel):
    """At least one of these. ``approved_tools``: those that stay approved; none can be added here. ``bases``:
    the knowledge bases that its agent searches in it beside its own, by their ids, of those that you may read."""

    model_config = example({"title": "Holiday plans", "pinned": True}, minProperties=1)

    title: str = Field(default=None, json_schema_extra=optional(minLength=1, maxLength=TITLE_LIMIT, pattern=r"\S"))  # type: ignore[assignment]  # only what was sent is read
    pinned: StrictBool = Field(default=None, json_schema_extra=optional())  # type: ignore[assignment]  # only what was sent is read
    archived: StrictBool = Field(default=None, json_schema_extra=optional())  # type: ignore[assignment]  # only what was sent is read
    bases: list[StrictInt] = Field(default=None, json_schema_extra=optional())  # type: ignore[arg-type]  # the same
    approved_tools: list[str] = Field(default=None, json_schema_extra=optional())  # type: ignore[arg-type]  # only what was sent is read

    @model_validator(mode="after")
    def says_something(self) -> "SessionChange":
        if not self.model_fields_set:
            raise ValueError("Name what shall change: title, pinned, archived, approved_tools or bases")
        return self


class ForkIn(BaseModel):
    """Through which turn to copy; without it, all."""

    model_config = example({"through_turn": 2})

    through_turn: Annotated[int, Field(strict=True, ge=1, le=TURN_LIMIT), BeforeValidator(whole)] | None = None


class TextPart(BaseModel):
    kind: Literal["text", "reasoning"]
    text: str


class ToolPart(BaseModel):
    """``shown``: what people are shown beside the result, as plain data of a ``kind``: ``chart`` with ``chart`` (bar, line or pie),
    ``title``, ``labels`` and ``series`` of ``name`` and ``values``. Other kinds may come."""

    model_config = example(TOOL_PART)

    kind: Literal["tool"]
    call_id: str
    name: str
    args: dict[str, Any]
    status: Literal["running", "finished", "failed"]
    result: str
    seconds: float | None
    shown: dict[str, Any] | None = None


class DelegationPart(BaseModel):
    """What a member of a team does, with parts of its own. ``by`` is its agent's id, ``result`` why it failed."""

    kind: Literal["delegation"]
    call_id: str
    by: str
    name: str
    task: str
    status: Literal["running", "waiting", "finished", "failed"]
    result: str
    seconds: float | None
    parts: list[TextPart | ToolPart]


class RequirementField(BaseModel):
    name: str
    type: str
    description: str
    value: Any
    optional: bool | None = Field(None, description="Whether it may stay empty, where whoever asks says so.")
    choices: list[dict[str, str]] | None = Field(None, description="``value`` and ``label`` of all that can be answered.")


class Requirement(BaseModel):
    """What a waiting run asks: to confirm a call, or to fill in ``fields``. ``lasting``: the call can be approved for the whole session."""

    call_id: str
    kind: Literal["confirm", "input"]
    name: str
    args: dict[str, Any]
    fields: list[RequirementField]
    lasting: bool = False
    message: str = Field("", description="What is asked, by a call that was begun: a server of a connection has a question first.")
    by: str = Field("", description="Of a team: the id of the member that asks.")


class RunError(BaseModel):
    code: str
    message: str


class Judgement(BaseModel):
    model_config = example({"value": "good", "note": "Exactly what I needed."})

    value: Literal["good", "bad"]
    note: str


class JudgementIn(BaseModel):
    model_config = example({"value": "good", "note": "Exactly what I needed."})

    value: Literal["good", "bad"]
    note: Annotated[str, Field(json_schema_extra={"maxLength": FEEDBACK_LIMIT})] = ""


class Cost(BaseModel):
    """``micro``: millionths of the currency. ``source``: ``provider`` said so itself, ``list`` is by the price list that this server brings
    along, ``free`` costs nothing, as a model on a machine of one's own, and ``own`` is a price that an operator has set."""

    model_config = example(COST)

    micro: int
    currency: str
    source: Literal["provider", "list", "free", "own"]


class FullRun(BaseModel):
    """One turn: a message and its answer. ``parts`` is the answer in its order, with reasoning and tool calls; ``answer`` its text.
    ``agent_version``: which version of its agent answered; null before it begins, and of answers from before there were versions.

    ``edition`` is which version of the message this is, of ``editions``; ``version`` which answer to it, of ``versions``. ``hidden``:
    another version is shown in its place, or it was withdrawn or erased. ``cut``: why a completed answer is not whole: the model reached
    its limit, its provider withheld the rest, or it never said that it was done. ``model``: the one that answers, which may stand in
    for the agent's own; empty before the run begins. ``cost``: of all its requests; null before it ends, and where it is not known.
    ``cached_tokens`` are counted in ``input_tokens``, ``reasoning_tokens`` in ``output_tokens``. ``effort``: what was chosen; null for the
    normal one. ``files``: those of the message first.
    """

    model_config = example(RUN)

    id: str
    session_id: str
    agent_id: str
    model: str
    effort: Literal["quick", "thorough"] | None
    agent_version: int | None
    turn: int
    status: Literal["queued", "running", "waiting", "completed", "failed", "interrupted", "stopped"]
    message: str
    files: list[RunFile]
    answer: str
    parts: list[TextPart | ToolPart | DelegationPart]
    error: RunError | None
    cut: Literal["length", "content_filter", "unfinished"] | None = None
    requirements: list[Requirement]
    feedback: Judgement | None
    edition: int
    editions: int
    version: int
    versions: int
    hidden: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: Cost | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    url: str
    events_url: str


class VersionList(BaseModel):
    """All versions of a turn. The one that is not ``hidden`` is shown."""

    model_config = example({"runs": [RUN]})

    runs: list[FullRun]


class RunList(BaseModel):
    """Newest first. ``next`` is the cursor of the page of earlier turns, null on the last."""

    model_config = example({"runs": [RUN], "next": None})

    runs: list[FullRun]
    next: str | None


class RunIn(BaseModel):
    model_config = example({"message": "What is six times seven?"})

    message: Message
    context: dict[str, Any] | None = Field(None, description="Handed to the agent with the message. At most 16,000 characters of JSON.")
    model: ModelName = None
    effort: EffortChoice = None
    files: Files = []


class EditIn(BaseModel):
    model_config = example({"message": "What is seven times seven?"})

    message: Message


class Started(BaseModel):
    """The message is stored and its run is queued. Follow ``events_url``, or look at ``url`` now and then."""

    model_config = example(STARTED)

    success: Literal[True]
    run_id: str
    status: str
    session_id: str
    agent_id: str
    url: str
    events_url: str


class AnswerIn(BaseModel):
    """About one call. ``values`` fill in the fields of one that asks for input. ``arguments`` change some of the call's before it is
    approved, by name. ``lasting`` approves the function for the rest of the session, where its requirement says that this can be."""

    model_config = example({"call_id": "call_1", "confirmed": False, "note": "Ask me first."})

    call_id: str
    confirmed: StrictBool
    note: str = ""
    values: dict[str, Any] = Field(default_factory=dict)
    arguments: dict[str, Any] = Field(default_factory=dict)
    lasting: StrictBool = False


class AnswersIn(BaseModel):
    """One answer for each call that waits. Which tool is called comes from the run, not from here."""

    model_config = example({"answers": [{"call_id": "call_1", "confirmed": True}]})

    answers: list[AnswerIn]
