"""What an endpoint would do with an event: the mapping is run for real, and nothing is stored or started."""

from dataclasses import dataclass

from agentos.chat.actions import check_agent_available
from agentos.chat.errors import ChatError
from agentos.core.http.errors import Problem
from agentos.core.http.strict_json import parse
from agentos.webhooks.inbound import mapping, queries
from agentos.webhooks.inbound.actions.handlers import CLOSED, known_session
from agentos.webhooks.inbound.mapping import Command
from agentos.webhooks.inbound.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Trial:
    """``problem``: the sentence with which the event would be refused."""

    command: Command | None = None
    sentence: str = ""
    problem: str = ""


def try_event(endpoint: WebhookEndpoint, text: str) -> Trial:
    try:
        command = mapping.read(endpoint, parse(text.encode("utf-8", "replace")))
    except Problem as problem:
        return Trial(problem=problem.sentence)
    return Trial(command, _sentence(endpoint, command), _problem(endpoint, command))


def _sentence(endpoint: WebhookEndpoint, command: Command) -> str:
    known = bool(command.key and known_session(endpoint, command.key))
    if command.action == "message":
        where = (
            f"in the session “{command.key}”, which is there"
            if known
            else f"in a new session “{command.key}”"
            if command.key
            else "in a new session"
        )
        return f"It would start a run of {endpoint.agent} {where}."
    if command.action == "create":
        return "The session is there already: nothing would change." if known else "It would open a new session."
    if command.action == "stop":
        return "It would stop what runs in this session." if known else "There is no session of this key: nothing would be stopped."
    return "Nothing: this endpoint does nothing for such an event. It would be stored."


def _problem(endpoint: WebhookEndpoint, command: Command) -> str:
    if command.action not in {"message", "create"}:
        return ""
    if not queries.is_usable(endpoint):
        return str(CLOSED)
    try:
        if command.action == "message":
            check_agent_available(endpoint.agent)
    except ChatError as error:
        return error.sentence
    return ""
