"""Code gets its colours, whatever it is, without holding up anybody: between two words of a lexer there is never long."""

import string
from collections.abc import Iterator
from itertools import islice
from time import thread_time

import pytest
from pygments.lexers import get_lexer_by_name

from agentos.core.rendering import highlighting
from agentos.core.rendering.deadline import DRAWN, Deadline
from agentos.core.rendering.highlighting import ALIASES, HIGHLIGHT_LIMIT, OPTIONS, TESTED, code_block

CHARACTERS = [character for character in string.printable if character not in "\x0b\x0c\r"]
OPENINGS = ['"', "'", "/*", "<", "{", "(", "[", "`", "<!--", "#", "$(", "\n ", "a(", "@", "<?php\n", "<script>", "<style>", "|\n"]
WORDS_LOOKED_AT = 4  # of each text: what can be matched only gets shorter
LONGEST = 0.02  # seconds that one match may take


def hostile() -> Iterator[str]:
    """Repeats of every printable character, of every pair of them, and of every one behind what opens something."""
    seeds = [("", one) for one in CHARACTERS]
    seeds += [("", one + other) for one in CHARACTERS for other in CHARACTERS if one != other]
    seeds += [(opening, one) for opening in OPENINGS for one in CHARACTERS]
    for opening, seed in seeds:
        yield opening + (seed * HIGHLIGHT_LIMIT)[: HIGHLIGHT_LIMIT - len(opening)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(TESTED))
def test_no_match_of_a_lexer_takes_long(name: str) -> None:
    lexer = get_lexer_by_name(name, stripnl=False, **OPTIONS.get(name, {}))
    for text in hostile():
        took = []
        for _ in range(2):  # a machine that is busy with others may take its time once
            before = thread_time()
            list(islice(lexer.get_tokens_unprocessed(text), WORDS_LOOKED_AT))
            took.append(thread_time() - before)
            if took[-1] <= LONGEST:
                break
        assert min(took) <= LONGEST, f"{text[:20]!r}: {min(took):.3f} s"


@pytest.mark.parametrize(
    ("info", "code"),
    [("c", "a  " * 2_000), ("java", "\n" * 4_000), ("cpp", "\n " * 2_000), ("autohotkey", "\n" * 2_000), ("html+ng2", "(" * 4_000),
     ("apacheconf", "<" * 4_000), ("autoit", "\n" * 4_000), ("markdown", "```autohotkey\n" + "\n" * 3_000)],
)  # fmt: skip
def test_a_block_takes_no_more_than_its_time(info: str, code: str) -> None:
    before = thread_time()
    assert "<code>" in code_block(code, info, Deadline())
    assert thread_time() - before < 0.5


def test_code_that_takes_too_long_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highlighting, "ONE_CODE", -1)
    assert "<code>if a &lt; b: pass\n</code>" in code_block("if a < b: pass\n", "python")


def test_so_is_long_code() -> None:
    assert "<span" in code_block("x = 1\n" * 100, "python")
    assert "<span" not in code_block("x = 1\n" * 1_000, "python")


def test_a_language_is_known_by_all_its_names() -> None:
    assert {ALIASES[name] for name in ("py", "js", "ts", "sh", "c++", "c#", "golang", "rs", "yml")} <= TESTED
    assert set(ALIASES.values()) == set(TESTED)


def test_one_that_is_not_known_is_named_as_it_was_written() -> None:
    assert highlighting.language("Brainstorm notes") == "brainstorm"
    assert highlighting.language("x" * 10_000) == "x" * 20


def test_loading_a_language_costs_its_first_text_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = highlighting._lexer("python")

    def load(_: str) -> object:
        before = thread_time()
        while thread_time() < before + 2 * DRAWN:
            pass
        return found

    monkeypatch.setattr(highlighting, "_lexer", load)
    assert '<span class="k">return</span>' in code_block("return 1\n" * 20, "python")
