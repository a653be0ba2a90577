"""The closed list of what can happen in a run. ``runtime`` makes them from Agno's events; the journal stores them.

A run is a row of these. Exactly one terminal event (Finished, Failed, Stopped, Interrupted) ends it; Waiting pauses it. A model's text
comes too often to be an object each time: a ``Follower`` gets it, in its place among the events.

Of the members of a team all is an event, and says where it belongs: ``within``, the ``call_id`` of a delegation, and ``by``, the id of
the agent that says or does it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol


class Follower(Protocol):
    """Gets the text of a run's models."""

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        """Take in text. ``kind`` is that of TextDelta, of ReasoningDelta, or of Rethought, whose text is the tag that ended it.
        ``within`` and ``by``: where it belongs, for what one of several steps says."""

    def has_more(self, read: Callable[[], None]) -> None:
        """There is more text. The follower gets it by calling ``read``, when it suits; until then it costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    kind: ClassVar[str]
    terminal: ClassVar[bool] = False

    def data(self) -> dict[str, Any]:
        """The JSON that the journal stores."""
        return asdict(self)

    def placed(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return ``data`` with where it belongs, for what a member of a team says or does."""
        within = getattr(self, "within", "")
        return data | {"within": within, "by": getattr(self, "by", "")} if within else data


@dataclass(frozen=True, slots=True)
class TextDelta(Event):
    kind = "text"
    text: str
    within: str = ""
    by: str = ""

    def data(self) -> dict[str, Any]:
        return self.placed({"text": self.text})


@dataclass(frozen=True, slots=True)
class ReasoningDelta(Event):
    kind = "reasoning"
    text: str
    within: str = ""
    by: str = ""

    def data(self) -> dict[str, Any]:
        return self.placed({"text": self.text})


@dataclass(frozen=True, slots=True)
class Rethought(Event):
    """The text that was told last was reasoning: the model closed it with a tag that it had never opened."""

    kind = "rethought"
    text: str
    within: str = ""
    by: str = ""

    def data(self) -> dict[str, Any]:
        return self.placed({"text": self.text})


@dataclass(frozen=True, slots=True)
class ToolStarted(Event):
    """``decision``: of a person, where the call had to be decided: ``approved``, ``refused``, or ``answered`` for a form. ``decided_by``:
    their name, where it was not the one whose chat it is. ``note``: what they wrote about it. ``changed``: the names of the arguments that
    they changed."""

    kind = "tool_started"
    call_id: str
    name: str
    args: dict[str, Any]
    decision: str = ""
    decided_by: str = ""
    note: str = ""
    changed: list[str] = field(default_factory=list)
    within: str = ""
    by: str = ""

    def data(self) -> dict[str, Any]:
        said = {"call_id": self.call_id, "name": self.name, "args": self.args}
        if self.decision:
            said |= {"decision": self.decision, "decided_by": self.decided_by}
        more = {name: value for name, value in (("note", self.note), ("changed", self.changed)) if value}
        return self.placed(said | more)


@dataclass(frozen=True, slots=True)
class ToolFinished(Event):
    """``shown``: what people are shown beside the result (``agents.tools.Answer``)."""

    kind = "tool_finished"
    call_id: str
    name: str
    result: str
    seconds: float = 0.0
    shown: dict[str, Any] = field(default_factory=dict)
    within: str = ""
    by: str = ""

    def data(self) -> dict[str, Any]:
        said = {"call_id": self.call_id, "name": self.name, "result": self.result, "seconds": self.seconds}
        return self.placed(said | {"shown": self.shown} if self.shown else said)


@dataclass(frozen=True, slots=True)
class ToolFailed(Event):
    kind = "tool_failed"
    call_id: str
    name: str
    error: str
    seconds: float = 0.0
    shown: dict[str, Any] = field(default_factory=dict)
    within: str = ""
    by: str = ""

    def data(self) -> dict[str, Any]:
        said = {"call_id": self.call_id, "name": self.name, "error": self.error, "seconds": self.seconds}
        return self.placed(said | {"shown": self.shown} if self.shown else said)


@dataclass(frozen=True, slots=True)
class Delegated(Event):
    """A member of a team gets a ``task``, or goes on with it after somebody has answered. ``name``: the member's, for people."""

    kind = "delegated"
    call_id: str
    by: str
    name: str
    task: str


@dataclass(frozen=True, slots=True)
class DelegationEnded(Event):
    """The member is done. ``error``: why it failed, as a sentence."""

    kind = "delegation_ended"
    call_id: str
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Usage(Event):
    """Tokens of one request to the model; a run has one of these per request. ``cached`` and ``cached_anew`` are in ``input_tokens``,
    ``reasoning`` is in ``output_tokens``. ``told``: what it has cost, in dollars, where the provider says so. ``model``: the one that was
    asked, where it is not the run's."""

    kind = "usage"
    input_tokens: int
    output_tokens: int
    cached: int = 0
    cached_anew: int = 0
    reasoning: int = 0
    told: str = ""
    model: str = ""

    def data(self) -> dict[str, Any]:
        more = {name: value for name, value in asdict(self).items() if value}
        return more | {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The model is done. ``messages`` (Agno's, for the history of later turns) is kept on the run, not in the journal.

    ``cut``: why the answer is not complete (``length``, ``content_filter``, ``unfinished``); empty when it is.
    """

    kind = "finished"
    terminal = True
    messages: list[dict[str, Any]] = field(default_factory=list)
    cut: str = ""

    def data(self) -> dict[str, Any]:
        return {"cut": self.cut} if self.cut else {}


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """``code`` is one of ``agents.failures``; ``detail`` is for the operator's log and is never stored or shown; ``wait``: seconds after
    which the provider wants to be asked again."""

    kind = "failed"
    terminal = True
    code: str
    detail: str = ""
    wait: float | None = None

    def data(self) -> dict[str, Any]:
        return {"code": self.code}


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """``code``: why, of ``agents.failures``, when nobody asked for it."""

    kind = "stopped"
    terminal = True
    code: str = ""

    def data(self) -> dict[str, Any]:
        return {"code": self.code} if self.code else {}


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
