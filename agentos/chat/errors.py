"""The errors of actions on chats. Each is a `Problem`: a face answers with its sentence, status, code and headers.

ChatError
    InvalidInput      a field is empty or too long            422, names the field; of a form's answers, each that is wrong
    KeyReused         same idempotency key, other content     422
    AgentClosed       the agent was withdrawn from this user  409
    AgentUnavailable  its model cannot be used now            503, try again
    QueueFull         too many messages wait in this chat     429, try again
    TooMuch           more in a minute than the limit         429, says when to come back
    QuotaReached      the plan's allowance is used up         402
    BudgetReached     a budget of dollars is used up          402
    WrongState        the run is not in a state for that      409
    NoSuchVersion     of a turn                               404
    NothingNoted      by an agent, in that part of an answer  404
    WaitingForApproval  a person has to decide something first  409, names the session
"""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _

from agentos.core.http.errors import Problem

TRY_AGAIN: Mapping[str, str] = MappingProxyType({"Retry-After": "10"})  # nobody can know how long it takes


class ChatError(Problem):
    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class InvalidInput(ChatError):
    status = 422
    code = "invalid_fields"

    def __init__(
        self, field: str, sentence: str, answers: Mapping[tuple[str, str], str] = MappingProxyType({}), *, longest: int | None = None
    ) -> None:
        """``answers``: what is wrong with each field of a form, by its call and its name. ``longest``: how long a text that is too
        long may be."""
        super().__init__(sentence)
        self.field = field
        self.answers = answers
        self.longest = longest


class KeyReused(ChatError):
    status = 422
    code = "key_reused"


class AgentClosed(ChatError):
    code = "agent_closed"


class AgentUnavailable(ChatError):
    status = 503
    code = "agent_unavailable"
    headers = TRY_AGAIN


class QueueFull(ChatError):
    status = 429
    code = "too_many_requests"
    headers = TRY_AGAIN


class TooMuch(ChatError):
    status = 429
    code = "too_many_requests"

    def __init__(self, sentence: str, headers: Mapping[str, str]) -> None:
        super().__init__(sentence)
        self.headers = headers


class QuotaReached(ChatError):
    status = 402
    code = "quota_reached"


class BudgetReached(ChatError):
    status = 402
    code = "budget_reached"


class WrongState(ChatError):
    code = "wrong_state"


class NoSuchVersion(ChatError):
    status = 404
    code = "version_not_found"

    def __init__(self) -> None:
        super().__init__(_("There is no such version."))


class NothingNoted(ChatError):
    status = 404
    code = "memory_not_found"

    def __init__(self) -> None:
        super().__init__(_("Nothing was remembered here."))


class WaitingForApproval(ChatError):
    """Whoever waits for an answer would wait for a person: earlier in the session a call waits to be approved. ``is_stored``: the
    message, which came before the agent asked."""

    code = "waiting_for_approval"

    def __init__(self, session_id: str, *, is_stored: bool = False) -> None:
        sentence = (
            _("The agent waits for a person's approval. Open session %(id)s to decide. Your message is saved, and is answered after that.")
            if is_stored
            else _("The agent waits for a person's approval. Open session %(id)s to decide. Nothing was sent: send it again after that.")
        )
        super().__init__(sentence % {"id": session_id})
        self.headers = {"X-Session-ID": session_id}
