"""What the scripted models say when the product itself asks them something: to judge an answer. They play it by a rule that one can see.

A scripted judge passes an answer in which the criterion stands, word by word, and mumbles where the criterion says so.
"""

import json

from agno.models.message import Message

from agentos.agents import judging
from agentos.core.text import folded

MUMBLE = "mumble"


def reply(messages: list[Message]) -> str | None:
    """Return what is said; None where nobody but a user asks."""
    system = next((message.get_content_string() for message in messages if message.role == "system"), "")
    if judging.INSTRUCTIONS in system:
        return _verdict(next(message.get_content_string() for message in reversed(messages) if message.role == "user"))
    return None


def _verdict(question: str) -> str:
    about = json.loads(question)
    if MUMBLE in about["criterion"]:
        return "Well, that depends."
    ok = folded(about["criterion"]) in folded(about["answer"])
    reason = f"A script looked for the words, and found {'them' if ok else 'none of that'}."
    return json.dumps({"verdict": "pass" if ok else "fail", "reason": reason})
