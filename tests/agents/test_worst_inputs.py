"""Tools are called with whatever a model comes up with: the worst of it, as long as they take it, costs them next to nothing."""

import inspect
import string
from collections.abc import Callable
from time import thread_time

import pytest
from agno.tools import Toolkit

from agentos.agents.runtime import calculator, tools

MOST = 0.1  # seconds of work
NUMBERS = [
    0, 1, -1, 2, 449, 10**999, -(10**999), 10**1000, 10**4000, 1e308, -1e308, 5e-324, 1e-9, 0.1, 2**53, float("nan"), float("inf"),
    calculator.LARGEST_PRIME - 2, 3_317_044_064_679_887_385_961_813, True,
]  # fmt: skip
SEEDS = [*string.punctuation, "a", " ", "\n", "\0", "!a", "! ", ".\n", "a.", "../", "é", "\u202e", "\ud800", "Europe/Berlin"]


def functions() -> dict[str, Callable[..., str]]:
    """The functions behind our own tools; Agno's only write down what they are given."""
    found: dict[str, Callable[..., str]] = {}
    for factory in tools.FACTORIES.values():
        tool = factory()
        for function in tool.functions.values() if isinstance(tool, Toolkit) else [tool]:
            if function.entrypoint and function.entrypoint.__module__.startswith("agentos."):
                found[function.name] = function.entrypoint
    return found


def test_they_are_all_of_ours() -> None:
    assert functions().keys() >= {"current_time", "text_statistics", "post_letter"} | {made.__name__ for made in calculator.FUNCTIONS}


@pytest.mark.parametrize("made", [tools.current_time, tools.text_statistics, tools.post_letter])
@pytest.mark.parametrize("size", [tools.TEXT_LIMIT, 10 * tools.TEXT_LIMIT])
def test_any_text(made: Callable[..., str], size: int) -> None:
    names = list(inspect.signature(made).parameters)
    for seed in SEEDS:
        for end in ("", "a", "\n"):
            text = (seed * size)[: size - len(end)] + end
            assert cost(made, *[text] * len(names)) < MOST, (seed, end)


@pytest.mark.parametrize("made", calculator.FUNCTIONS)
def test_any_number(made: Callable[..., str]) -> None:
    for one in NUMBERS:
        for other in NUMBERS if len(inspect.signature(made).parameters) > 1 else [None]:
            assert cost(made, *(value for value in (one, other) if value is not None)) < MOST, (str(one)[:20], str(other)[:20])


def cost(made: Callable[..., str], *values: object) -> float:
    took = MOST
    for _ in range(3):  # the machine may be busy with others
        before = thread_time()
        said = answer(made, *values)
        took = min(took, thread_time() - before)
        assert len(said) < 2_000
        if took < MOST:
            break
    return took


def answer(made: Callable[..., str], *values: object) -> str:
    """What the model is told, be it a refusal."""
    try:
        return made(*values)
    except ValueError as refused:
        return str(refused)


def test_sentences_are_counted_by_their_last_mark() -> None:
    said = tools.text_statistics("One... Two?! Three. 3.14 and e.g.this")
    assert "sentences: 3" in said
    assert "sentences: 1" in tools.text_statistics("No mark at all")
