"""What an endpoint would do with an event: the mapping is run for real, and nothing is stored or started."""

from dataclasses import dataclass

from agentos.chat.actions import check_agent_available
from agentos.chat.refusals import Refusal
from agentos.core.errors import Problem
from agentos.core.strict_json import parse
from agentos.webhooks import mapping, queries
from agentos.webhooks.actions.performing import CLOSED, known_session
from agentos.webhooks.mapping import Wish
from agentos.webhooks.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Trial:
    """``problem``: the sentence with which the event would be refused."""

    wish: Wish | None = None
    sentence: str = ""
    problem: str = ""


def try_event(endpoint: WebhookEndpoint, text: str) -> Trial:
    try:
        wish = mapping.read(endpoint, parse(text.encode("utf-8", "replace")))
    except Problem as problem:
        return Trial(problem=problem.sentence)
    return Trial(wish, _sentence(endpoint, wish), _problem(endpoint, wish))


def _sentence(endpoint: WebhookEndpoint, wish: Wish) -> str:
    known = bool(wish.key and known_session(endpoint, wish.key))
    if wish.does == "message":
        where = (
            f"in the session “{wish.key}”, which is there"
            if known
            else f"in a new session “{wish.key}”"
            if wish.key
            else "in a new session"
        )
        return f"It would start a run of {endpoint.agent} {where}."
    if wish.does == "create":
        return "The session is there already: nothing would change." if known else "It would open a new session."
    if wish.does == "stop":
        return "It would stop what runs in this session." if known else "There is no session of this key: nothing would be stopped."
    return "Nothing: this endpoint does nothing for such an event. It would be stored."


def _problem(endpoint: WebhookEndpoint, wish: Wish) -> str:
    if wish.does not in {"message", "create"}:
        return ""
    if not queries.is_usable(endpoint):
        return CLOSED
    try:
        if wish.does == "message":
            check_agent_available(endpoint.agent)
    except Refusal as refusal:
        return refusal.sentence
    return ""
