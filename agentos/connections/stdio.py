"""The servers that this installation may start on its machine: by AGENTOS_MCP_STDIO, and by nothing that a form says."""

from dataclasses import dataclass, field

from agentos.conf import app_settings
from agentos.conf.kinds import words_of


@dataclass(frozen=True, slots=True)
class Program:
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict, repr=False)


def programs() -> dict[str, Program]:
    """Return them by the slug of their server."""
    found = {}
    for slug, said in app_settings.MCP_STDIO.items():
        command, env = (said["command"], said.get("env", {})) if isinstance(said, dict) else (said, {})
        found[slug] = Program(tuple(words_of(command)), dict(env))
    return found
