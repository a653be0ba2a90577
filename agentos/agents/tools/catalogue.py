"""What there is to choose from: an allow-list of slugs. Only what stands here can be given to an agent.

``runtime/tools.py`` has a factory for each slug of ``NATIVE`` (a test holds the two together); the others bring their functions along.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache

from django.utils.translation import gettext

from agentos.agents.tools import discovery
from agentos.agents.tools.definition import ASK, Tool
from agentos.conf import app_settings

SPLIT = re.compile(r"[_\-./\s]+|(?<=[a-z0-9])(?=[A-Z])")  # between the words of a name

NATIVE: dict[str, Tool] = {
    tool.slug: tool
    for tool in (
        Tool(
            "calculator",
            "Calculator",
            "Arithmetic with exact whole numbers: sums, powers, roots, factorials, primes.",
            group="Basics",
            calls=("add", "subtract", "multiply", "divide", "exponentiate", "factorial", "is_prime", "square_root"),
        ),
        Tool("clock", "Clock", "The date and the time now, in any time zone.", group="Basics", calls=("current_time",)),
        Tool(
            "text",
            "Text statistics",
            "Counts the characters, words, sentences and lines of a text.",
            group="Basics",
            calls=("text_statistics",),
        ),
        Tool(
            "reasoning",
            "Reasoning",
            "A scratchpad in which the agent thinks step by step; its steps are shown folded.",
            group="Basics",
            calls=("think", "analyze"),
        ),
        Tool(
            "ask",
            "Ask the user",
            "Stops and shows the user a small form when something is missing.",
            group="Basics",
            policy=ASK,
            policies=(ASK,),
            calls=("get_user_input",),
        ),
        Tool(
            "letterbox",
            "Rehearsal letter",
            "Asks for approval, then only pretends to send a letter. For trials.",
            group="Trials",
            policy=ASK,
            policies=(ASK,),
            calls=("post_letter",),
            scripted=True,
        ),
    )
}

Source = Callable[[Collection[str] | None], Mapping[str, Tool]]

# Rooms above may add tools that come and go while the server runs. Each returns those of these slugs by slug, or all of now for None;
# it may ask the database.
sources: list[Source] = []


def tools(slugs: Collection[str] | None = None) -> dict[str, Tool]:
    """Return the tools of these slugs, or all that there are, by slug. The first of a slug counts. May ask the database."""
    found = {slug: tool for slug, tool in fixed().items() if slugs is None or slug in slugs}
    if slugs is None or not set(slugs) <= found.keys():
        for source in sources:
            found |= {slug: tool for slug, tool in source(slugs).items() if slug not in found}
    return found


def fixed() -> Mapping[str, Tool]:
    """Return the tools that stay as long as the process, by slug. Never asks the database."""
    return _fixed(discovery.named())


@cache
def _fixed(_named: tuple[tuple[str, ...], ...]) -> dict[str, Tool]:
    found = dict(NATIVE)
    for tool in discovery.found():
        found.setdefault(tool.slug, tool)
    return found


@cache
def _labels(named: tuple[tuple[str, ...], ...]) -> dict[str, str]:
    return {name: tool.label for tool in _fixed(named).values() for name in tool.names}


def described(slugs: Collection[str]) -> list[Tool]:
    """Return the tools of these slugs, without those that there are no more."""
    known = tools(slugs)
    return [known[slug] for slug in slugs if slug in known]


def label_of(name: str) -> str:
    """Return the name of a tool for people. ``name`` is the one by which a model calls it, which may be a tool's that is not ours."""
    if label := _labels(discovery.named()).get(name):
        return label
    words = SPLIT.sub(" ", name).strip()
    return words[:1].upper() + words[1:] if words else name


@cache
def _reads(named: tuple[tuple[str, ...], ...]) -> dict[str, Mapping[str, str]]:
    return {function.name: function.reads for tool in _fixed(named).values() for function in tool.functions if function.reads}


def reads_of(name: str) -> Mapping[str, str]:
    """Return how people read the arguments of the function ``name`` (``ToolFunction.reads``); nothing where no tool says it."""
    return _reads(discovery.named()).get(name, {})


def label_of_slug(slug: str) -> str:
    """Return the name of a tool for people. Never asks the database: of what is stored there, the name is read from the slug."""
    known = fixed().get(slug)
    return known.label if known else label_of(slug.rpartition("/")[2])


def tool_choices(teams: Collection[int] | None = ()) -> list[Tool]:
    """Return what may be chosen from now, with what is missing to use it (``Tool.needs``): what is everybody's, and what is of these
    teams; for None, all."""
    return [tool for tool in tools().values() if is_offered(tool) and (teams is None or tool.team is None or tool.team in teams)]


def told_needs(tool: Tool, *, is_operator: bool) -> str:
    """Return what is missing to use a tool, as this person is told it: settings of the server mean something to operators. What a team's
    connection needs, its owners do themselves."""
    missing = tool.needs()
    return missing if is_operator or not missing or tool.team is not None else gettext("Your administrator has to set this up first.")


def is_offered(tool: Tool) -> bool:
    return app_settings.SCRIPTED_MODELS or not tool.scripted


def not_offered(slugs: Collection[str]) -> list[str]:
    """Return those of ``slugs`` that no agent may be given now, in their order."""
    known = tools(slugs)
    return [slug for slug in slugs if slug not in known or not is_offered(known[slug])]


def fitting(found: Mapping[str, Tool], team: int | None) -> dict[str, Tool]:
    """Return those of these tools that an agent of this team may have."""
    return {slug: tool for slug, tool in found.items() if tool.team in {None, team}}


def policy_of(tool: Tool, policies: Mapping[str, str]) -> str:
    """Return what counts for this tool of an agent that has these policies."""
    wanted = policies.get(tool.slug, tool.policy)
    return wanted if wanted in tool.policies else tool.policy
