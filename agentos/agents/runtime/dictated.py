"""What the scripts ``calls`` and ``obey`` take for calls in a text, and what they say in the end."""

import json
import re
from collections.abc import Iterator, Sequence

CALL = re.compile(r"\s*(?:[-*>]\s+)?`?([a-z_]\w*) (\{.*\})`?\s*", re.ASCII)
SAY = re.compile(r"^`?say (.+?)`?$", re.MULTILINE)
RESULT = re.compile(r"\{\{(\d{1,2})\}\}")
RESULT_LIMIT = 2000  # characters of a result that go into what comes after it

Calls = tuple[tuple[str, str], ...]  # names of tools, with their arguments as JSON


def program(message: str, obeyed: Sequence[str]) -> list[Calls]:
    """Return the calls of each request: those of the message, a paragraph each, then those of the texts that are ``obeyed``."""
    read = (message, *(text.replace("\\_", "_") for text in obeyed))  # as Markdown writes it
    paragraphs = [paragraph for text in read for paragraph in re.split(r"\n\s*\n", text)]
    return [lines for paragraph in paragraphs if (lines := tuple(_calls_in(paragraph)))]


def _calls_in(paragraph: str) -> Iterator[tuple[str, str]]:
    for line in paragraph.splitlines():
        if match := CALL.fullmatch(line):
            yield match[1], match[2]


def calls(program: Sequence[Calls], rounds: int, results: Sequence[str]) -> Calls:
    """Return the calls that come after so many requests with calls, with earlier results filled in."""
    if rounds >= len(program):
        return ()
    return tuple(
        (name, _filled(arguments, [json.dumps(result)[1:-1] for result in _short(results)])) for name, arguments in program[rounds]
    )


def said(message: str, obeyed: Sequence[str], results: Sequence[str]) -> str:
    """Return the answer that the texts dictate, empty without one."""
    lines = [match[1] for text in (message, *obeyed) for match in SAY.finditer(text)]
    return _filled("\n\n".join(lines), _short(results))


def _short(results: Sequence[str]) -> list[str]:
    return [result.strip()[:RESULT_LIMIT] for result in results]


def _filled(text: str, results: Sequence[str]) -> str:
    return RESULT.sub(lambda match: results[int(match[1]) - 1] if 0 < int(match[1]) <= len(results) else match[0], text)
