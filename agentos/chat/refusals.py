"""Why an action was refused: each with the sentence that the person reads.

Refusal
    InvalidInput      a field is empty or too long            422, names the field
    KeyReused         same idempotency key, other content     422
    AgentClosed       the agent was withdrawn from this user  409
    AgentUnavailable  its model cannot be used now            503
    QueueFull         too many messages wait in this chat     429
    WrongState        the run is not in a state for that      409
"""

from typing import ClassVar


class Refusal(Exception):
    status: ClassVar[int] = 409

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


class WrongState(Refusal):
    status = 409
