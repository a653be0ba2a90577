"""What the scripted models say when the product itself asks them something: to judge an answer, or to suggest a part of an agent.
They play it by a rule that one can see.

A scripted judge passes an answer in which the criterion stands, word by word, and mumbles where the criterion says so.
"""

import json

from agno.models.message import Message

from agentos.agents import judging, suggestions
from agentos.core.text import folded

MUMBLE = "mumble"
SUGGESTED = {
    suggestions.STARTER: json.dumps({"starters": ["What can you do for me?", "Show me an example.", "What do you need from me?"]}),
    suggestions.INSTRUCTION: json.dumps(
        {"instructions": "You are a helpful assistant of this team.\n\n- Answer briefly.\n- Say what happens next.\n\nBy a script."}
    ),
}


def reply(messages: list[Message]) -> str | None:
    """Return what is said; None where nobody but a user asks."""
    system = next((message.get_content_string() for message in messages if message.role == "system"), "")
    if suggested := next((said for part, said in SUGGESTED.items() if suggestions.INSTRUCTIONS[part] in system), None):
        return suggested
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
