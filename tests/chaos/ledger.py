"""What the tools did, written past the product and its database: a line for every call, which nothing makes unique."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

SECONDS = 0.15  # that a call takes after its deed: a server that dies in there does not know whether it was done
POSTED = "The letter to {to} is posted."


def path() -> Path:
    from django.conf import settings

    return Path(settings.AGENTOS_DATA_DIR) / "ledger"


def write(name: str, agent: Any) -> None:
    """``agent``: Agno's that calls; a member's call is noted under the run of its team."""
    from agentos.agents.tools.definition import current

    line = json.dumps([current.get().run_id, agent.id, name]) + "\n"
    ledger = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(ledger, line.encode())
    os.close(ledger)
    time.sleep(SECONDS)


def calls() -> Counter[tuple[str, str, str]]:
    """How often each call was made, by run, agent, and tool."""
    lines = path().read_text().splitlines() if path().exists() else []
    return Counter(tuple(json.loads(line)) for line in lines)


def multiply(a: int, b: int, agent: Any = None) -> str:
    """Multiply two numbers."""
    write("multiply", agent)
    return str(a * b)


def post_letter(to: str, text: str, agent: Any = None) -> str:
    """Post a letter."""
    write("post_letter", agent)
    return POSTED.format(to=to)


def install() -> None:
    """Put these tools into the places of the product's."""
    from agno.tools import Toolkit, tool

    from agentos.agents.runtime import tools

    tools.FACTORIES["calculator"] = lambda: Toolkit(name="calculator", tools=[multiply])
    tools.FACTORIES["letterbox"] = lambda: tool(requires_confirmation=True)(post_letter)
