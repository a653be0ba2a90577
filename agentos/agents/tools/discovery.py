"""Where tools come from: the modules here, those that the operator names in ``AGENTOS_TOOLS``, and installed packages (the entry points
``agentos.tools``). A module that does not load makes only its own tools unavailable."""

import logging
from functools import cache
from importlib import import_module, metadata

from agentos.agents.tools import http_action
from agentos.agents.tools.definition import Tool
from agentos.conf import app_settings

log = logging.getLogger(__name__)

BUILT_IN: tuple[str, ...] = (
    "agentos.agents.tools.chart",
    "agentos.agents.tools.python",
    "agentos.agents.tools.sql",
    "agentos.agents.tools.send_mail",
    "agentos.agents.tools.calendar_file",
    "agentos.agents.tools.web_search",
    "agentos.agents.tools.fetch_page",
    "agentos.agents.tools.image",
)
GROUP = "agentos.tools"


def found() -> list[Tool]:
    """Return the tools of all modules, those of the product first, and those of the operator's APIs."""
    modules = [tool for module in (*BUILT_IN, *app_settings.TOOLS, *_installed()) for tool in of_module(module).tools]
    return [*modules, *http_action.configured()]


def named() -> tuple[tuple[str, ...], ...]:
    """Return what the operator has named, by which what was found is known again."""
    return tuple(app_settings.TOOLS), tuple(app_settings.HTTP_ACTIONS)


def troubles() -> list[str]:
    """Return a sentence for each module and each API that did not load, for the operator."""
    modules = [trouble for module in (*app_settings.TOOLS, *_installed()) if (trouble := of_module(module).trouble)]
    return [*modules, *http_action.troubles()]


class Module:
    """The tools of one module. ``trouble``: why it has none, as a sentence."""

    def __init__(self, name: str) -> None:
        self.tools: list[Tool] = []
        self.trouble = ""
        try:
            loaded = import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever somebody's module raises
            self.trouble = f"The tools of {name} are not there: {type(error).__name__}: {error}"
            log.warning("%s", self.trouble)
            return
        self.tools = [each for each in vars(loaded).values() if isinstance(each, Tool)]
        if not self.tools:
            self.trouble = f"{name} has no tools: none of its functions is decorated with agentos.agents.tools.tool."


@cache
def of_module(name: str) -> Module:
    return Module(name)


@cache
def _installed() -> tuple[str, ...]:
    return tuple(sorted({entry.value for entry in metadata.entry_points(group=GROUP)}))
