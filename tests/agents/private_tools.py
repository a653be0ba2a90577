"""A tool that reads what nobody else may know, for AGENTOS_TOOLS."""

from agentos.agents.tools import tool

SECRET = "BLUE-HERON-42"


@tool("Diary", is_private=True)
async def read_diary() -> str:
    """Read the diary."""
    return SECRET
