"""Starting the run of a response, in a chat or without a trace."""

from typing import Any

from agentos.access.users import User
from agentos.api.openai.completion import begin as begin_message
from agentos.api.openai.completion import check_format_of, effort_for
from agentos.api.openai.errors import BadField
from agentos.api.openai.parsing import NEW
from agentos.api.openai.responses.parsing import ResponseRequest
from agentos.chat.models import Run
from agentos.service import AgentOSService


def begin(user: User, wanted: ResponseRequest, idempotency_key: str) -> Run:
    """Raises BadField, and the errors of ``actions.send_message`` and ``ephemeral.start``."""
    asked = wanted.asked
    if wanted.previous is not None:
        return _go_on(user, wanted, wanted.previous, idempotency_key)
    where = asked if asked.session_id or not wanted.store else asked.into(NEW)
    return begin_message(user, where, idempotency_key, wants_answer=not wanted.background)


def _go_on(user: User, wanted: ResponseRequest, previous: Run, idempotency_key: str) -> Run:
    """The chat goes on where its last turn is the one that is named; a fork of it where there are later ones. With nothing to be
    kept, what was said up to there is told to the agent, and the chat stays as it is."""
    asked, service = wanted.asked, AgentOSService(user)
    agent_id = previous.session.agent.agent_id
    if agent_id != asked.model:
        raise BadField("model", f"That response is of the agent {agent_id}: name it as the model.", code="model_mismatch")
    check_format_of(service, asked)
    if not wanted.store:
        return begin_message(user, asked.after(service.said_up_to(previous)), idempotency_key)
    more: dict[str, Any] = {"context": asked.context, "options": asked.options, "wants_answer": not wanted.background}
    more |= {"effort": effort_for(service, asked), "files": asked.kept.ids, "fingerprints": asked.kept.fingerprints}
    return service.send_after(previous, asked.message, idempotency_key=idempotency_key, **more)
