"""What the scripted librarian does: it searches for what it was asked, and tells the sentences that have most of the question's words."""

import json
import re
from collections.abc import Sequence

from agentos.agents.runtime.dictated import Calls

PASSAGE = re.compile(r"^\[(\d{1,3})\] .* \(document \d+, passage \d+\)$", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?])\s+")
TABLE_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
HEAD = re.compile(r"^\|.*\|\n\|[ |:-]+\|$", re.MULTILINE)  # of a table, with the line below it
SHORT = 20  # characters
TOLD = 3  # sentences
NOTHING_SAID = frozenset({"what", "when", "does", "long", "much", "many", "with", "that", "this", "have", "there"})
NOTHING = "I have found nothing about that in what I know. This is a scripted answer: a real model would say so in its own words."
END = "*A scripted answer: the search was real, the sentences are those of its sources. Open a number to read where they stand.*"


def calls_of_the_library(question: str, results: Sequence[str]) -> Calls:
    return () if results else (("search_knowledge", json.dumps({"query": question[:500]})),)


def answer_of_the_library(question: str, results: Sequence[str]) -> str:
    told = sorted(_sentences(results[-1] if results else ""), key=lambda each: -_common(question, each[1]))
    best = [(number, sentence) for number, sentence in told if _common(question, sentence)][:TOLD]
    if not best:
        return NOTHING
    return "\n\n".join([*(f"{sentence} [{number}]" for number, sentence in best), END])


def _sentences(result: str) -> list[tuple[str, str]]:
    pieces = PASSAGE.split(result)
    found = []
    for number, text in zip(pieces[1::2], pieces[2::2], strict=True):
        rows = [" – ".join(cell.strip() for cell in row.strip("|").split("|")) for row in TABLE_ROW.findall(HEAD.sub("", text))]  # noqa: RUF001
        lines = (line.strip("- ") for line in text.splitlines() if line.strip() and not line.startswith(("#", "|")))
        sentences = [sentence.strip() for line in lines for sentence in SENTENCE.split(line) if len(sentence.strip()) > SHORT]
        found += [(number, said) for said in (*rows, *sentences)]
    return found


def _common(question: str, sentence: str) -> int:
    return len(_beginnings(question) & _beginnings(sentence))


def _beginnings(text: str) -> set[str]:
    return {word[:4] for word in re.findall(r"\w{4,}", text.lower())} - NOTHING_SAID
