"""Parameters that several operations take."""

from typing import Annotated

from ninja import Header, Path, Query

from agentos.api.connection_resources import SLUG
from agentos.api.memory_resources import NUMBER
from agentos.api.resources import RUN_ID
from agentos.api.schemas import AGENT, SESSION, Effort
from agentos.api.webhook_resources import HOOK_ID, MESSAGE_ID

AgentId = Annotated[str, Path(..., example=AGENT["id"])]
SessionId = Annotated[str, Path(..., example=SESSION["id"])]
RunId = Annotated[str, Path(..., example=RUN_ID)]
ConnectionSlug = Annotated[str, Path(..., example=SLUG)]
MemoryNumber = Annotated[int, Path(..., ge=1, le=1_000_000_000, example=NUMBER)]
HookId = Annotated[str, Path(..., example=HOOK_ID)]
MessageId = Annotated[str, Path(..., example=MESSAGE_ID)]
IdempotencyKey = Annotated[
    str,
    Header(
        "",
        alias="Idempotency-Key",
        pattern=r"^[!-~]*$",
        max_length=100,
        description="What is sent again under the same key, with the same content, is done once: the answer is the first one's. "
        "Other content under the same key is refused with 422 `key_reused`. A key is remembered for a day.",
    ),
]
Cursor = Annotated[
    str, Query("", pattern=r"^[0-9]*$", max_length=18, description="The `next` of the page before. Without it, the first page.")
]
Limit = Annotated[int, Query(50, ge=1, le=100, description="How many a page.")]
OtherModel = Annotated[
    str, Query("", max_length=120, description="One of the agent's `models`, for this answer. Without it, the one that was chosen before.")
]
OtherEffort = Annotated[Effort | None, Query(None, description="For this answer, where the agent has `efforts`.")]
