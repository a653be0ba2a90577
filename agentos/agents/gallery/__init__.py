"""Agents that are ready to be taken: files as the export writes them, without a model. Taking one makes a draft of it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentos.agents import files
from agentos.agents.blueprint import Blueprint
from agentos.agents.providers import best_model, model_choices
from agentos.agents.tools import described, told_needs

ENDING = ".agent.json"


@dataclass(frozen=True, slots=True)
class ReadyAgent:
    """``missing``: what has to be done on this installation before its tools can be used, a sentence each."""

    agent_id: str
    name: str
    description: str
    tools: tuple[str, ...]
    missing: tuple[str, ...]


def ready_agents(*, is_operator: bool) -> list[ReadyAgent]:
    """Return them by name, with the labels of their tools. ``is_operator``: whether who looks can mend what is missing."""
    found = []
    for agent_id, blueprint in sorted(_blueprints().items(), key=lambda each: each[1]["name"]):
        tools = described(blueprint["tools"])
        missing = tuple(dict.fromkeys(sentence for tool in tools if (sentence := told_needs(tool, is_operator=is_operator))))
        labels = tuple(tool.label for tool in tools)
        found.append(ReadyAgent(agent_id, blueprint["name"], blueprint["description"], labels, missing))
    return found


def ready_agent(agent_id: str) -> Blueprint | None:
    """Return what it is made of, with the model that this installation takes by itself: the best one that can be used now, else the first
    that is offered, which may be no match for these instructions."""
    found = _blueprints().get(agent_id)
    first = next((choice.model for choice in model_choices()), "")
    return found and {**found, "model": best_model() or first}


@cache
def _blueprints() -> dict[str, Blueprint]:
    paths = Path(__file__).parent.glob(f"*{ENDING}")
    return {path.name.removesuffix(ENDING): files.read(path.read_bytes(), by=None).blueprint for path in paths}
