"""An MCP server of the tests that asks people something in the middle of its calls: ``python -m tests.connections.asking PORT FOLDER``."""

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastmcp import Context, FastMCP
from mcp.types import ToolAnnotations
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
)

FOLDER = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()
FREE = ToolAnnotations(read_only_hint=True)
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "seat": {"type": "string", "title": "Seat", "enum": ["window", "aisle"]},
        "bags": {"type": "integer", "title": "Bags", "minimum": 0},
        "wish": {"type": "string", "description": "Anything else?"},
    },
    "required": ["seat", "bags"],
}

mcp = FastMCP("asking")


@mcp.tool(annotations=FREE)
def book(train: str, ctx: Context) -> Any:
    """Book a seat."""
    said: Any = (ctx.input_responses or {}).get("seat")
    if said is None:
        form = ElicitRequest(params=ElicitRequestFormParams(message=f"Where in {train}?", requested_schema=FORM))
        return InputRequiredResult(input_requests={"seat": form}, request_state=f"state of {train}")
    with (FOLDER / "notes").open("a") as notes:
        notes.write(f"{ctx.request_state} {said.action} {said.content}\n")
    return f"{train}: {said.action}, {said.content}"


@mcp.tool(annotations=FREE)
def think(ctx: Context) -> Any:
    """Wants an answer of our model."""
    params = CreateMessageRequestParams(messages=[SamplingMessage(role="user", content=TextContent(type="text", text="Hi"))], max_tokens=10)
    return InputRequiredResult(input_requests={"model": CreateMessageRequest(params=params)})


if __name__ == "__main__":
    uvicorn.run(mcp.http_app(path="/mcp"), port=int(sys.argv[1]), log_level="warning")
