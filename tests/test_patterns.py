"""Every regular expression of the product takes time that grows with a text, not with its square: a single match cannot be interrupted,
and stops all threads of the server while it lasts."""

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path
from time import thread_time
from types import ModuleType
from typing import Any

import pytest
from django.core.validators import RegexValidator

import agentos
import site_config

ROOT = Path(__file__).parent.parent
SIZE = 4_000  # characters: what grows with the square takes a thousand times as long as what does not
MOST = 0.03  # seconds: on a busy machine those with many matches take 0.01
WAYS = ("match", "fullmatch", "search", "finditer", "findall", "sub", "subn", "split")
OURS = {"agentos.api.integrations", "agentos.api.openai.outcomes"}  # whose patterns are asked about our own words alone
SIGNS = string.punctuation + "aAfw01 \n\t中。\ufdd0"
OPENINGS = ["", "a", "http", "<", "$", "\\", "`", "[", "x@", "www", "</p>"]
ENDINGS = ["", "!", "\n"]
SKIPPED = ("migrations", "local_model", "mcp")  # what meets no foreign text, or needs a package that may be absent


def modules() -> Iterator[ModuleType]:
    for package in (agentos, site_config):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(f".{word}" in found.name for word in SKIPPED) and found.name not in {"site_config.asgi", "site_config.wsgi"}:
                yield importlib.import_module(found.name)


def held_by(value: Any) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value, be it in a tuple, in a dictionary or in a validator."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, RegexValidator):
        yield re.compile(value.regex)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from held_by(item)
    elif isinstance(value, dict):
        yield from held_by(list(value.values()))


def sources() -> Iterator[tuple[Path, ast.AST]]:
    for folder in ("agentos", "site_config"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(word in path.parts for word in SKIPPED):
                yield path, ast.parse(path.read_text())


def written_in_calls() -> Iterator[tuple[str, re.Pattern[str], set[str]]]:
    """What is given to ``re.search`` and its like, and to validators of fields."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name, first = ast.unparse(node.func), node.args[0]
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            if name == "RegexValidator":
                yield f"{path.stem}:{node.lineno}", re.compile(first.value), {"search"}
            elif name.startswith("re.") and name[3:] in WAYS:
                yield f"{path.stem}:{node.lineno}", re.compile(first.value), {name[3:]}


def asked() -> dict[str, set[str]]:
    """In which ways each name of a pattern is asked."""
    text = "".join(path.read_text() for path, _ in sources())
    found: dict[str, set[str]] = {}
    for name, way in re.findall(rf"\b([A-Z_]{{2,60}})\.({'|'.join(WAYS)})\(", text):
        found.setdefault(name, set()).add(way)
    return found


def patterns() -> dict[str, tuple[re.Pattern[Any], set[str]]]:
    """Each pattern by its place, with the ways in which it is asked."""
    ways, found = asked(), {}
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("__") or module.__name__ in OURS:
                continue
            for number, pattern in enumerate(held_by(value)):
                found[f"{module.__name__}.{name}" + (f"[{number}]" if number else "")] = pattern, ways.get(name, {"fullmatch", "search"})
    found.update({place: (pattern, way) for place, pattern, way in written_in_calls()})
    return found


FOUND = patterns()


def hostile() -> Iterator[str]:
    seeds = list(SIGNS) + [one + other for one in SIGNS for other in SIGNS if one != other]
    for seed in seeds:
        yield (seed * SIZE)[:SIZE]
    for opening in OPENINGS:
        for one in SIGNS:
            for ending in ENDINGS:
                yield opening + one * SIZE + ending


HOSTILE = list(hostile())


def slowest(pattern: re.Pattern[Any], text: str, ways: set[str]) -> float:
    subject: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    most = 0.0
    for way in {way if way in {"match", "fullmatch"} else "finditer" for way in ways}:
        before = thread_time()
        answer = getattr(pattern, way)(subject)
        if way == "finditer":
            list(answer)
        most = max(most, thread_time() - before)
    return most


@pytest.mark.parametrize(
    "place", sorted({(pattern.pattern, pattern.flags, frozenset(ways)): name for name, (pattern, ways) in FOUND.items()}.values())
)
def test_every_pattern_is_linear(place: str) -> None:
    pattern, ways = FOUND[place]
    for text in HOSTILE:
        took = slowest(pattern, text, ways)
        if took > MOST:
            took = min(slowest(pattern, text, ways) for _ in range(4))  # the machine may be busy with others
        assert took <= MOST, f"{pattern.pattern[:80]!r} takes {took:.3f} s for {SIZE} characters like {text[:12]!r}"


def test_all_of_them_are_known() -> None:
    """A pattern made while a request is handled escapes the test above: make it when its module is loaded."""
    inside = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in sources()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"
    ]
    # Of Agno's routes one each, when they are read; of what is searched for the letters alone, nothing that repeats.
    allowed = ("agentos/gateway/routes.py", "agentos/chat/searching.py")
    assert [place for place in inside if not place.startswith(allowed)] == []
    assert len(FOUND) > 40
