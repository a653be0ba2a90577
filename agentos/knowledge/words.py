"""Words as they are searched, in whatever language: without capitals and accents, each also by its beginning, and those of scripts that
put no blanks between words in pairs of characters. What databases do to words differs; here both are told the same ones."""

import re
import unicodedata
from functools import cache, lru_cache

from agentos.core.text import folded
from agentos.knowledge.stopwords import STOPWORDS

WORD = re.compile(r"\w+")
WITHOUT_BLANKS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
SHORTEST = 4  # letters of a word that may have another ending
STEM = 5  # letters by which a longer word is also found
LONGEST = 40  # letters of a word
TERMS = 24  # of a question


def searchable(*texts: str) -> str:
    """Return the words of texts, with blanks between them."""
    return " ".join(each for text in texts for word in _words(text) for each in _forms(word))


def terms(question: str) -> list[list[str]]:
    """Return the words of a question that say something, each with the forms by which it is found, the exact one first."""
    words = list(dict.fromkeys(_words(question)))
    telling = [word for word in words if word not in _stopwords() and (len(word) > 1 or not word.isascii())]
    return [_forms(word) for word in (telling or words)[:TERMS]]


@cache
def _stopwords() -> frozenset[str]:
    return frozenset(_plain(folded(word)) for word in STOPWORDS)


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in WORD.findall(_plain(folded(text))):
        if not WITHOUT_BLANKS.search(word):
            found.append(word[:LONGEST])
            continue
        place = 0
        for run in WITHOUT_BLANKS.finditer(word):
            found += filter(None, [word[place : run.start()][:LONGEST]])
            said = run.group()
            found += [said] if len(said) == 1 else [said[each : each + 2] for each in range(len(said) - 1)]
            place = run.end()
        found += filter(None, [word[place:][:LONGEST]])
    return found


@lru_cache(maxsize=50_000)
def _forms(word: str) -> list[str]:
    """Return the word, and its beginning where it is long enough to have several endings; of short ones, what is before an s. A beginning
    is marked, so that it is met by beginnings only."""
    if len(word) < SHORTEST or word.isdigit():
        return [word]
    return [word, f"x0{word[:STEM] if len(word) > STEM else word.removesuffix('s')}"]


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
