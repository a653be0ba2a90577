"""The modules of ``AGENTOS_CODE_AGENTS``: each is loaded once in a process, in a thread of its own, and given up after a time. Nothing here
loads Agno; who looks into the modules is ``agents/runtime/code.py``.

A module that raises, ends the process or hangs makes only its own agents unavailable.
"""

import logging
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from agentos.conf import app_settings

log = logging.getLogger(__name__)

LOAD_SECONDS = 20.0  # that a module may take to load
_READER = "agentos.agents.runtime.code"


@dataclass(frozen=True, slots=True)
class CodeAgent:
    """One object of a module, as plain data. ``tools``: names of its functions. ``notes``: sentences for the operator."""

    agent_id: str
    source: str
    name: str
    description: str = ""
    model: str = ""
    instructions: str = ""
    tools: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Module:
    """``trouble``: why its agents are not there, as a sentence for the operator. ``notes``: what is wrong with single ones."""

    name: str
    agents: tuple[CodeAgent, ...] = ()
    trouble: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(agent.agent_id for agent in self.agents)


class Loading:
    """The loading of one module, begun when this is made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.until = time.monotonic() + LOAD_SECONDS
        self.found: Module | None = None
        self.thread = threading.Thread(target=self._load, name=f"code:{name}", daemon=True)
        self.thread.start()

    def _load(self) -> None:
        try:
            self.found = import_module(_READER).read(self.name)
        except BaseException as error:  # noqa: BLE001 - whatever somebody's module raises; SystemExit is one of them
            said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            self.found = Module(self.name, trouble=f"The agents of {self.name} are not there: {said}")
            log.warning("%s", self.found.trouble)

    def now(self) -> Module | None:
        """Return the module, or what is wrong with it; None while it may still come."""
        if self.found is None and time.monotonic() > self.until:
            return Module(self.name, trouble=f"The agents of {self.name} are not there: it did not load within {LOAD_SECONDS:g} s.")
        return self.found

    def wait(self) -> Module:
        """Return the module once it has loaded, or is given up. Blocks."""
        self.thread.join(max(0.0, self.until - time.monotonic()) + 0.01)
        return self.now() or self.wait()


@cache
def loading(name: str) -> Loading:
    return Loading(name)


def load() -> list[Module]:
    """Return all modules, loaded side by side. Blocks."""
    begun = [loading(name) for name in app_settings.CODE_AGENTS]
    return [each.wait() for each in begun]


def objection(source: str, agent_id: str) -> str:
    """Return why this agent cannot be used, as a sentence for the operator. Never waits: what may still come is taken to be there."""
    if source not in app_settings.CODE_AGENTS:
        return f"No module of AGENTOS_CODE_AGENTS has the agent {agent_id} any more."
    module = loading(source).now()
    if module is None or agent_id in module.ids:
        return ""
    return module.trouble or f"{source} has no agent {agent_id} any more."
