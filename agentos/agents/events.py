"""The closed list of what can happen in a run. ``runtime`` makes them from Agno's events; the journal stores them.

A run is a row of these. Exactly one terminal event (Finished, Failed, Stopped, Interrupted) ends it; Waiting pauses it. A model's text
comes too often to be an object each time: a ``Follower`` is told of it, in its place among the events.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol


class Follower(Protocol):
    """Whoever takes in what the models of a run say."""

    def tell(self, kind: str, text: str) -> None:
        """Take in text; ``kind`` is that of TextDelta or of ReasoningDelta."""

    def has_more(self, read: Callable[[], None]) -> None:
        """More was said: it is told when ``read`` is called, at the follower's leisure. Until then it costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    kind: ClassVar[str]
    terminal: ClassVar[bool] = False

    def data(self) -> dict[str, Any]:
        """The JSON that the journal stores."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TextDelta(Event):
    kind = "text"
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta(Event):
    kind = "reasoning"
    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted(Event):
    kind = "tool_started"
    call_id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolFinished(Event):
    kind = "tool_finished"
    call_id: str
    name: str
    result: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolFailed(Event):
    kind = "tool_failed"
    call_id: str
    name: str
    error: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage(Event):
    """Tokens of one request to the model; a run has one of these per request."""

    kind = "usage"
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The model is done. ``messages`` (Agno's, for the history of later turns) is kept on the run, not in the journal."""

    kind = "finished"
    terminal = True
    messages: list[dict[str, Any]] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """``code`` is one of ``agents.failures``; ``detail`` is for the operator's log and is never stored or shown."""

    kind = "failed"
    terminal = True
    code: str
    detail: str = ""

    def data(self) -> dict[str, Any]:
        return {"code": self.code}


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    kind = "stopped"
    terminal = True


@dataclass(frozen=True, slots=True)
class Interrupted(Event):
    """The server went away while the run ran."""

    kind = "interrupted"
    terminal = True


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """A person has to answer before the run can go on. ``requirements`` says what would be called, with which arguments;
    ``output`` is Agno's paused run, kept on our run and rebuilt from there, never from a browser."""

    kind = "waiting"
    requirements: list[dict[str, Any]]
    output: dict[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        return {"requirements": self.requirements}
