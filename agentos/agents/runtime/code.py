"""Agents that are written in code: read from their modules, and copied for every run, with the settings that hold for all agents here."""

import asyncio
import inspect
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from agno.agent import Agent
from agno.team import Team
from agno.tools import Toolkit

from agentos.agents.code_modules import LOAD_SECONDS, CodeAgent, Module, loading
from agentos.agents.runtime import tools
from agentos.agents.runtime.text import clean
from agentos.agents.specs import AgentSpec
from agentos.conf import app_settings

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NAME_LENGTH, DESCRIPTION_LENGTH, MODEL_LENGTH, INSTRUCTIONS_LENGTH = 80, 300, 120, 20_000  # characters; of the row

# Toolkits that reach this machine itself, by the module of Agno that has them.
REACHING = {"shell", "python", "coding", "workspace", "file", "local_file_system", "docker", "airflow", "sql", "postgres", "duckdb"}
NO_STORE = ("add_history_to_context", "read_chat_history", "enable_session_summaries", "cache_session")  # need a store of Agno's

Made = Agent | Team
Factory = Callable[["Context"], Any]


class NotThere(LookupError):
    """The code does not have the agent now. The text is for the operator."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a function that makes agents gets: whose run it is, the names of their teams, and the chat. A run may begin more than once."""

    user_id: str
    session_id: str
    teams: tuple[str, ...] = ()


def read(name: str) -> Module:
    """Import the module and return what it has, as plain data. Raises whatever the module raises."""
    agents: dict[str, CodeAgent] = {}
    notes: list[str] = []
    for number, item in enumerate(_listed(name), start=1):
        agent_id = _id_of(item)
        if not isinstance(item, Agent | Team) and not inspect.isroutine(item):
            kind = type(item).__name__
            notes.append(f"Entry {number} of {name} is left out: {kind} is no Agent, no Team, and no function that makes one.")
        elif not ID.fullmatch(agent_id):
            said = (
                f"the id {agent_id!r} has other characters than small letters, digits, - and _"
                if agent_id
                else "it has neither id nor name"
            )
            notes.append(f"Entry {number} of {name} is left out: {said}.")
        elif agent_id in agents:
            notes.append(f"Entry {number} of {name} is left out: the id {agent_id} is there already.")
        else:
            agents[agent_id] = _described(item, agent_id, name)
    if not agents and not notes:
        notes.append(f"{name} has no agents: it has no list AGENTS, and no Agent or Team by a name of its own.")
    return Module(name, tuple(agents.values()), notes=tuple(notes))


async def copy_of(spec: AgentSpec, *, user_id: str, session_id: str, **_more: Any) -> Made:
    """Return the agent for one run. Code of others runs in threads, and is given up after a time. Raises NotThere."""
    module = await asyncio.to_thread(loading(spec.source).wait)
    if module.trouble or spec.agent_id not in module.ids:
        raise NotThere(module.trouble or f"{spec.source} has no agent {spec.agent_id} any more.")
    item = next(item for item in _listed(spec.source) if _id_of(item) == spec.agent_id)
    try:
        async with asyncio.timeout(LOAD_SECONDS):
            made = item if isinstance(item, Agent | Team) else await _made(item, Context(user_id, session_id, spec.teams))
            copied: Made = await _in_thread(made.deep_copy)
    except TimeoutError:
        raise NotThere(f"{spec.agent_id} was not made within {LOAD_SECONDS:g} s.") from None
    except NotThere:
        raise
    except Exception as error:
        raise NotThere(f"{spec.agent_id} cannot be made: {type(error).__name__}: {error}") from error
    copied.id, copied.name = spec.agent_id, copied.name or spec.name
    _force(copied)
    return copied


async def _made(factory: Factory, context: Context) -> Made:
    made = await factory(context) if inspect.iscoroutinefunction(factory) else await _in_thread(factory, context)
    if not isinstance(made, Agent | Team):
        raise NotThere(f"{factory.__name__} returned {type(made).__name__} instead of an Agent or a Team.")
    return made


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in a thread that nobody else needs: it may never return."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def end(result: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(result)

    def call() -> None:
        result, error = None, None
        try:
            result = work(*arguments)
        except BaseException as raised:  # noqa: BLE001 - SystemExit would end the thread in silence
            error = raised if isinstance(raised, Exception) else NotThere(f"It raised {type(raised).__name__}.")
        if not loop.is_closed():
            loop.call_soon_threadsafe(end, result, error)

    threading.Thread(target=call, name="code-agent", daemon=True).start()
    return await done


def _force(made: Any) -> None:
    """Set what holds for every agent here, members too: chats are kept and limited by us, and nobody else is told of them."""
    made.db, made.debug_mode, made.user_id, made.session_id = None, False, None, None
    made.resolve_in_context = made.store_events = made.telemetry = made.store_media = False
    made.retries = 0
    made.tool_call_limit = min(made.tool_call_limit or app_settings.TOOL_STEPS, app_settings.TOOL_STEPS)
    for name in NO_STORE:
        if hasattr(made, name):
            setattr(made, name, False)
    if isinstance(made, Team):
        made.stream_member_events = True
        for member in made.members if isinstance(made.members, list) else ():
            member.id = member.id or _id_of(member) or None
            _force(member)


def _listed(name: str) -> list[Any]:
    """Return the list AGENTS of a module; without one, every agent and team that it has by a name."""
    loaded = import_module(name)
    listed = getattr(loaded, "AGENTS", None)
    if listed is None:
        return list({id(item): item for item in vars(loaded).values() if isinstance(item, Agent | Team)}.values())
    if not isinstance(listed, list | tuple):
        raise TypeError("AGENTS must be a list.")
    return list(listed)


def _id_of(item: Any) -> str:
    """Return its id: the one that it has, else its name in the form of one."""
    if inspect.isroutine(item):
        return str(item.__name__).lower().strip("_")
    given, name = getattr(item, "id", None), getattr(item, "name", None)
    return str(given) if given else re.sub(r"[^a-z0-9]+", "-", str(name or "").lower()).strip("-")[:64]


def _described(item: Any, agent_id: str, source: str) -> CodeAgent:
    if inspect.isroutine(item):
        words = agent_id.replace("_", " ").replace("-", " ")
        about = (inspect.getdoc(item) or "").partition("\n")[0]
        return CodeAgent(
            agent_id, source, _line(words[:1].upper() + words[1:], NAME_LENGTH), _line(about, DESCRIPTION_LENGTH), "code:function"
        )
    own_tools = item.tools if isinstance(item.tools, list) else []
    return CodeAgent(
        agent_id=agent_id,
        source=source,
        name=_line(item.name or agent_id, NAME_LENGTH),
        description=_line(item.description or getattr(item, "role", None) or "", DESCRIPTION_LENGTH),
        model=f"code:{_line(getattr(item.model, 'id', None) or item.model or 'default', MODEL_LENGTH - 5)}",
        instructions=_instructions(item.instructions),
        tools=tuple(sorted(filter(None, tools.names(own_tools)))),
        notes=tuple(_notes(item, agent_id)),
    )


def _line(text: Any, length: int) -> str:
    return clean(" ".join(str(text).split()))[:length]


def _instructions(given: Any) -> str:
    said = "\n".join(map(str, given)) if isinstance(given, list | tuple) else given if isinstance(given, str) else ""
    return clean(said)[:INSTRUCTIONS_LENGTH]


def _notes(item: Any, agent_id: str) -> Iterable[str]:
    """Say what is not as its author may think, and what its operator should know."""
    if item.db is not None:
        yield f"{agent_id} has db=, which is not used: chats are kept here."
    if item.knowledge is not None or item.update_memory_on_run or item.enable_agentic_memory:
        yield f"{agent_id} has a knowledge or a memory of its own, which knows nothing of rights and limits here."
    own_tools = item.tools if isinstance(item.tools, list) else []
    reaching = sorted({type(each).__name__ for each in own_tools if _reaches(each)})
    if reaching:
        yield f"{agent_id} has tools that reach this machine: {', '.join(reaching)}. Who may use the agent may use them."
    for member in getattr(item, "members", None) or () if isinstance(getattr(item, "members", None), list) else ():
        yield from _notes(member, f"{agent_id}, member {_id_of(member)},")


def _reaches(tool: Any) -> bool:
    return isinstance(tool, Toolkit) and any(
        base.__module__.removeprefix("agno.tools.").partition(".")[0] in REACHING
        for base in type(tool).__mro__
        if base.__module__.startswith("agno.tools.")
    )
