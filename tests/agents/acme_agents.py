"""Agents as somebody would bring them along, for AGENTOS_CODE_AGENTS."""

from typing import Any

from agno.agent import Agent
from agno.models.base import Model
from agno.team import Team
from agno.tools import tool
from agno.tools.python import PythonTools

from agentos.agents import scripts
from agentos.agents.runtime.scripted import ScriptedModel

CALLS: list[str] = []


def scripted(script: str) -> Model:
    """A model that is none of ours: nothing is watched or told by it."""
    parsed = scripts.parse(script)
    assert parsed
    return ScriptedModel(id=script, script=parsed)


def multiply(a: int, b: int) -> str:
    """Multiply."""
    return str(a * b)


@tool(requires_confirmation=True)
def post_letter(to: str, text: str) -> str:
    """Post a letter."""
    CALLS.append(to)
    return f"Posted to {to}."


echo = Agent(id="echo", name="Echo", description="Says it again.", model=scripted("echo"), instructions=["Say it.", "Again."])
poster = Agent(id="poster", name="Poster", model=scripted("approve"), tools=[post_letter])
counter = Agent(name="Counter  of things", model=scripted("tool"), tools=[multiply], db=object(), retries=3, tool_call_limit=100)  # type: ignore[arg-type]
reaching = Agent(id="reaching", name="Reaching", model=scripted("echo"), tools=[PythonTools()])
crew = Team(id="crew", name="Crew", model=scripted("lead"), members=[poster, counter])


def greeter(ctx: Any) -> Agent:
    """Greets by team."""
    return Agent(model=scripted("echo"), additional_context=f"{ctx.user_id} of {ctx.teams}")


async def slow_greeter(ctx: Any) -> Agent:
    return Agent(model=scripted(f"{len(ctx.teams) + 1}x0"))


def broken_maker(ctx: Any) -> Any:
    raise KeyError(ctx.user_id)


def useless_maker(_ctx: Any) -> Any:
    return "an agent"


AGENTS = [echo, poster, counter, reaching, crew, greeter, slow_greeter, broken_maker, useless_maker, "no agent", echo, Agent(name="")]
