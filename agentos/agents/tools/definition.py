"""What a tool is, and the decorator that makes one from an async function. No Agno here, and no database."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from agentos.agents.media import Attached, Keep
from agentos.agents.tools import schema

ASK, AUTO = POLICIES = ("ask", "auto")  # a person approves each call, or nobody is asked


class Refused(Exception):
    """A tool cannot do what it was asked to. The text is a sentence for the model and for whoever watches."""


@dataclass(frozen=True, slots=True)
class Asks:
    """What a tool returns that needs an answer of a person before it can go on. ``fields``: as those of a requirement
    (agents/runtime/pausing.py). It is called again with the same arguments, and finds ``kept`` and what was answered in ``answered``."""

    message: str
    fields: list[dict[str, Any]]
    kept: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """``values``: by the name of the field; ``accepted``: False where the person refused."""

    values: Mapping[str, Any]
    accepted: bool
    kept: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool returns when it has more than text. ``text`` goes to the model; ``shown`` to people, in the turn: plain JSON whose
    ``kind`` names the template that draws it (``partials/chat/shown/``)."""

    text: str
    shown: Mapping[str, Any] | None = None


@dataclass(slots=True)
class CallContext:
    """The run in which tools are called, one for all of its calls.

    ``said``: what the user wrote in this chat, this message last. ``options``: the operator's, by the tool's slug. ``is_private``: the
    agent can read what is not public, so nothing may go out without a yes. ``found``: addresses that the tools of this chat came upon
    (``ToolFunction.finds``). ``brought``: names of functions that have brought into this chat what others may have written. ``kept``: what
    a tool keeps for its next call, by a key of its own. ``approved``: names of functions that its user has approved for this chat;
    ``lasting``: of those that may be. ``asks``: whether a call, by the function's name and the arguments, needs a person. ``skills``: keys
    of those that the agent has, by name. ``away``: why a function cannot be called by this user, by its name. ``bases``: keys of the
    knowledge bases of agent and chat. ``shown``: what people are shown beside results that were not told yet, by the call (``calling``).
    ``attached``: files of this chat that can be read on. ``keep``: keeps what is made with the answer; None where nothing is kept.
    ``costs``: what a request has cost, in dollars, as its provider says, by run. ``asked``: what calls ask that were begun, by the call;
    ``answered``: what people said to that. ``resources``: closed with the run. ``members``: of a team, the contexts of all that take part,
    by agent.
    """

    run_id: str
    user_id: str
    session_id: str
    agent_id: str
    said: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    is_private: bool = False
    approved: frozenset[str] = frozenset()
    lasting: frozenset[str] = frozenset()
    asks: Callable[[str, Mapping[str, Any]], bool] = lambda _name, _arguments: False
    skills: Mapping[str, int] = field(default_factory=dict)
    bases: tuple[int, ...] = ()
    away: Mapping[str, str] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)
    brought: set[str] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)
    shown: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    costs: dict[str, str] = field(default_factory=dict)
    attached: tuple[Attached, ...] = ()
    keep: Keep | None = None
    asked: dict[tuple[str, str], Asks] = field(default_factory=dict)
    answered: dict[tuple[str, str], Answered] = field(default_factory=dict)
    resources: AsyncExitStack = field(default_factory=AsyncExitStack)
    members: dict[str, "CallContext"] = field(default_factory=dict)


current: ContextVar[CallContext] = ContextVar("agentos_call_context")  # set where a run begins; tools and models of the run read it
# The call that is being made: the id of the run, of a member its own, and the id that the model gave the call.
calling: ContextVar[tuple[str, str]] = ContextVar("agentos_calling", default=("", ""))


Unfit = Callable[[CallContext, Mapping[str, Any]], str]


def show(shown: Mapping[str, Any]) -> None:
    """Show people something beside the result, or the error, of the call that is being made."""
    current.get().shown[calling.get()] = shown


@dataclass(frozen=True, slots=True)
class ToolFunction:
    """One function, as a model calls it by ``name``. ``parameters`` is a JSON schema of an object. ``asks``: whether these arguments
    need a person whatever the policy says; it gets the arguments as the model wrote them. ``lasting``: where the policy asks, an approval
    may count for the whole chat. ``finds``: the addresses in a result of it that later calls may go to; it is also asked of results that
    are stored. ``reads``: how a person reads the arguments before they approve them: the label of each, in their order; those that it
    does not name come after them under their own names. ``unfit``: why a call with these arguments can only fail, a sentence, or nothing:
    then nobody is asked, and nothing is called. It waits for nothing; what it has to know it keeps before (``Tool.opens``)."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    call: Callable[..., Awaitable[Any]]
    asks: Callable[[CallContext, Mapping[str, Any]], bool] | None = None
    lasting: bool = True
    finds: Callable[[CallContext, str], Iterable[str]] | None = None
    reads: Mapping[str, str] = field(default_factory=dict)
    unfit: Callable[[CallContext, Mapping[str, Any]], str] | None = None

    def why_not(self, context: CallContext, arguments: Mapping[str, Any]) -> str:
        """Return why a call with these arguments cannot be made, a sentence; empty when it can."""
        return self.unfit(context, arguments) if self.unfit else schema.misfit(self.parameters, arguments)


@dataclass(frozen=True, slots=True)
class Tool:
    """What an operator may give an agent, by its ``slug``. It has one function, or several that belong together.

    ``policy``: what counts where the agent says nothing; ``policies``: what an agent may say. ``needs``: returns what is missing to use it,
    as a sentence for the operator, empty when nothing is. ``is_private``: it reads what is not public. ``is_own``: nobody but its user can
    have written what it returns. ``network``: it reaches addresses that a model chooses. ``scripted``: for trials only. ``options``: the
    operator's settings for it, checked by this model. ``calls``: names of functions that are built elsewhere (``agents/runtime/tools.py``).
    ``team``: the key of the team whose agents alone may have it. ``opens``: done before a run begins that has it.
    """

    slug: str
    label: str
    description: str = ""
    group: str = "More"
    policy: str = AUTO
    policies: tuple[str, ...] = POLICIES
    needs: Callable[[], str] = lambda: ""
    is_private: bool = False
    is_own: bool = False
    network: bool = False
    scripted: bool = False
    options: type[BaseModel] | None = None
    team: int | None = None
    calls: tuple[str, ...] = ()
    functions: list[ToolFunction] = field(default_factory=list)
    opens: Callable[[CallContext], Awaitable[None]] | None = None

    @property
    def asks(self) -> bool:
        """Whether it always needs a person."""
        return AUTO not in self.policies

    @property
    def brings(self) -> bool:
        """Whether what it returns may be what others have written."""
        return bool(self.functions) and not self.is_own

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a model calls it."""
        return (*self.calls, *(function.name for function in self.functions))

    def function(
        self,
        call: Callable[..., Awaitable[Any]] | None = None,
        *,
        asks: Callable[[CallContext, Mapping[str, Any]], bool] | None = None,
        lasting: bool = True,
        finds: Callable[[CallContext, str], Iterable[str]] | None = None,
        reads: Mapping[str, str] | None = None,
        unfit: Unfit | None = None,
    ) -> Any:
        """Add a function to the tool, as a decorator. Its name, its docstring and its annotations are what the model reads."""

        def add(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            text, parameters, checked, misfit = schema.of(call)

            def why_not(context: CallContext, arguments: Mapping[str, Any]) -> str:
                return misfit(arguments) or (unfit(context, arguments) if unfit else "")

            self.functions.append(ToolFunction(call.__name__, text, parameters, checked, asks, lasting, finds, reads or {}, why_not))
            return call

        return add if call is None else add(call)


def tool(
    label: str,
    *,
    slug: str = "",
    asks: Callable[[CallContext, Mapping[str, Any]], bool] | None = None,
    lasting: bool = True,
    finds: Callable[[CallContext, str], Iterable[str]] | None = None,
    reads: Mapping[str, str] | None = None,
    unfit: Unfit | None = None,
    **more: Any,
) -> Callable[[Callable[..., Awaitable[Any]]], Tool]:
    """Make a tool of one async function. Without a ``slug`` it is the function's name, with dashes.

    ``asks``, ``lasting``, ``finds``, ``reads`` and ``unfit`` are the function's (``ToolFunction``), ``more`` the tool's (``Tool``).
    """

    def make(call: Callable[..., Awaitable[Any]]) -> Tool:
        made = Tool(slug or call.__name__.replace("_", "-"), label, **{"description": schema.first_line(call), **more})
        made.function(call, asks=asks, lasting=lasting, finds=finds, reads=reads, unfit=unfit)
        return made

    return make
