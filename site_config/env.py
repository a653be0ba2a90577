"""Settings from the environment, each declared once with the line of help that the README's table repeats."""

import os
from pathlib import Path
from typing import Any, TypeVar

from agentos.conf import declared
from agentos.conf.kinds import Setting

T = TypeVar("T")

SETTINGS: dict[str, Setting[Any]] = {}


def env(name: str, setting: Setting[T]) -> T:
    """Return NAME, or the content of the file that NAME_FILE names, or the default. Raises ImproperlyConfigured for a wrong one."""
    SETTINGS[name] = setting  # by which the README's table is held to the code
    text = _text(name)
    return setting.default if text is None else setting.read(name, text)


def _text(name: str) -> str | None:
    if from_file := os.environ.get(f"{name}_FILE"):
        return Path(from_file).read_text(encoding="utf-8").strip()
    text = os.environ.get(name)
    return None if text is None else text.strip()


def ours() -> dict[str, Any]:
    """Return the settings of AgentOS itself that the environment names. The others have their defaults (``agentos.conf``)."""
    found = {}
    for setting in declared():
        if setting.variable:
            value = env(setting.variable, setting)
            if _text(setting.variable) is not None:
                found[setting.name] = value
    return found
