"""Tests of agents as JSON: what they expect, and how they went."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from agentos.agents.cases import MESSAGE_LENGTH, TEXT_LENGTH, TEXTS, TOOL_LENGTH, TOOLS
from agentos.agents.models import CRITERION_LENGTH
from agentos.api.schemas import Moment, example
from agentos.api.workshop_resources import MADE_URL
from agentos.core.http.strict_json import whole

TEST_ID = 7
TESTS_URL = f"{MADE_URL}tests/"
EXPECTED = {
    "message": "Write to Ada that we meet on Friday.",
    "must_say": ["Ada", "Friday"],
    "must_not_say": ["Monday"],
    "tools": ["clock"],
    "criterion": "The letter is friendly and short.",
}
TEST = {"id": TEST_ID, **EXPECTED, "kept_answer": "", "url": f"{TESTS_URL}{TEST_ID}/"}
FINDING = {"kind": "must_say", "wanted": "Ada", "ok": True, "said": ""}
RESULT = {
    "test_id": TEST_ID,
    "outcome": "passed",
    "findings": [FINDING],
    "answer": "Dear Ada, we meet on Friday.",
    "tools": ["current_time"],
    "refused": [],
    "error": "",
    "tokens": 52,
    "changed_since": False,
}
ROUND = {
    "version": 3,
    "status": "done",
    "reason": "",
    "by": "Olivia Owner",
    "started_at": "2024-01-01T12:00:00Z",
    "finished_at": "2024-01-01T12:00:20Z",
    "passed": 1,
    "total": 1,
}

Text = Annotated[str, Field(json_schema_extra={"maxLength": TEXT_LENGTH})]
Texts = Annotated[list[Text], Field(json_schema_extra={"maxItems": TEXTS})]
ToolNames = Annotated[
    list[Annotated[str, Field(json_schema_extra={"maxLength": TOOL_LENGTH})]], Field(json_schema_extra={"maxItems": TOOLS})
]
Said = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MESSAGE_LENGTH, "pattern": r"\S"})]
Criterion = Annotated[str, Field(json_schema_extra={"maxLength": CRITERION_LENGTH})]


class AgentTest(BaseModel):
    """A message, and what is expected of its answer. ``tools``: slugs, or names of functions. ``criterion``: what the agent's model judges.
    ``kept_answer``: the one that it was kept from."""

    model_config = example(TEST)

    id: int
    message: str
    must_say: list[str]
    must_not_say: list[str]
    tools: list[str]
    criterion: str
    kept_answer: str
    url: str


class AgentTestList(BaseModel):
    """In the order in which they were made."""

    tests: list[AgentTest]


class AgentTestIn(BaseModel):
    """A test that expects nothing is passed by any answer."""

    model_config = {**example(EXPECTED), "extra": "forbid"}

    message: Said
    must_say: Texts = []
    must_not_say: Texts = []
    tools: ToolNames = []
    criterion: Criterion = ""


class AgentTestChange(BaseModel):
    """What shall change; the rest stays. Results so far count no more then."""

    model_config = {**example({"criterion": "The letter is friendly."}), "extra": "forbid"}

    message: Said = ""
    must_say: Texts = []
    must_not_say: Texts = []
    tools: ToolNames = []
    criterion: Criterion = ""


class RunTestsIn(BaseModel):
    """``version``: the one that is tested; null tests what is worked on."""

    model_config = {**example({"version": 2}), "extra": "forbid"}

    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), BeforeValidator(whole)] | None = None


class TestFinding(BaseModel):
    """One expectation. ``ok`` is null where a model could not judge; ``said`` is its sentence."""

    __test__ = False

    kind: Literal["must_say", "must_not_say", "tools", "criterion"]
    wanted: str
    ok: bool | None
    said: str


class TestResult(BaseModel):
    """How one test went. ``refused``: functions that asked for approval, which nobody gave. ``error``: why there is no answer.
    ``changed_since``: the test is another one by now."""

    __test__ = False

    test_id: int
    outcome: Literal["not_run", "running", "passed", "failed", "unclear", "no_answer"]
    findings: list[TestFinding]
    answer: str
    tools: list[str]
    refused: list[str]
    error: str
    tokens: int
    changed_since: bool


class TestRound(BaseModel):
    """All tests, run once. ``version`` is null for the draft of then, ``status`` ``interrupted`` where the server went. ``reason``: why it
    ended before its last test."""

    __test__ = False

    version: int | None
    status: Literal["running", "done", "stopped", "interrupted"]
    reason: str
    by: str | None
    started_at: Moment
    finished_at: Moment | None
    passed: int
    total: int


class TestResults(BaseModel):
    """The last round, null before the first, with how each test went."""

    __test__ = False
    model_config = example({"round": ROUND, "results": [RESULT]})

    round: TestRound | None
    results: list[TestResult]
