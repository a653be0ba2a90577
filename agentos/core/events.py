"""What happened to chats and agents, told inside the transaction that makes it so: who listens can write in the same transaction."""

from types import MappingProxyType
from typing import Any

from django.dispatch import Signal

# What an integrator can hear of, and what each means.
NAMES = MappingProxyType(
    {
        "run.completed": "An answer is complete.",
        "run.failed": "An answer could not be finished.",
        "run.waiting": "An agent waits for somebody to approve or to fill in something.",
        "run.answered": "Somebody approved or declined what an agent asked for, or filled it in.",
        "run.stopped": "Somebody stopped an answer, or withdrew the message before it began.",
        "run.interrupted": "The server went down in the middle of an answer.",
        "session.created": "A chat was opened.",
        "session.deleted": "A chat was deleted.",
        "feedback.given": "Somebody judged an answer.",
        "agent.published": "Another version of an agent is in use.",
    }
)

# Receivers get ``name``, ``session``, ``run`` (None for what happens to a session), ``agent`` (for what happens to one: it has no session)
# and ``about``, a dict of plain values.
happened = Signal()


def emit(name: str, *, session: Any = None, run: Any = None, agent: Any = None, **about: Any) -> None:
    """Call the receivers of ``happened``. One that breaks is logged and changes nothing for the chat or the agent."""
    happened.send_robust(sender=None, name=name, session=session, run=run, agent=agent, about=about)
