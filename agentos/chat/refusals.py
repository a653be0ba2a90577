"""Why an action was refused: each with the sentence that the person reads.

Refusal
    InvalidInput      a field is empty or too long            422, names the field
    KeyReused         same idempotency key, other content     422
    AgentClosed       the agent was withdrawn from this user  409
    AgentUnavailable  its model cannot be used now            503
    QueueFull         too many messages wait in this chat     429
    TooMuch           more in a minute than the limit         429, says when to come back
    QuotaReached      the plan's allowance is used up         402
    WrongState        the run is not in a state for that      409
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class Refusal(Exception):
    """``headers`` go with the answer to a program."""

    status: ClassVar[int] = 409
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class InvalidInput(Refusal):
    status = 422

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class KeyReused(Refusal):
    status = 422


class AgentClosed(Refusal):
    status = 409


class AgentUnavailable(Refusal):
    status = 503


class QueueFull(Refusal):
    status = 429
    headers = MappingProxyType({"Retry-After": "10"})  # nobody can know how long the answers before it take


class TooMuch(Refusal):
    status = 429

    def __init__(self, sentence: str, headers: Mapping[str, str]) -> None:
        super().__init__(sentence)
        self.headers = headers


class QuotaReached(Refusal):
    status = 402


class WrongState(Refusal):
    status = 409
