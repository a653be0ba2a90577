"""A cut is final: rendering block by block gives what rendering the whole gives, however the text arrived."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentos.chat.blocks import SETTLED_LIMIT, BlockScanner, closed_end, open_code, settled, shape
from agentos.core import markdown

LINES = st.sampled_from(
    [
        "", "", "", "Some words", "# Heading", "## Other", "- item", "- other", "* star", "1. one", "2. two", "  more of it",
        "    deep", "> quote", "```", "```python", "~~~", "x = 1", "    ```", "  ```", "- ```", "| a | b |", "|---|---|",
        "| 1 | 2 |", "---", "===", "***", "`code`", "``` ```", "\ttab", "1) one", "<div>", "&amp;", "a  ", "\\", "+ plus", "10. ten",
        "**Bold.** And *more.* Then", "A `code: x` in [a link. So](https://example.com/a.b?) it is",
    ]
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=25).map("\n".join)


def in_blocks(text: str) -> str:
    """Render as a live tab does: what is closed as it closes, the rest at the end."""
    scanner, html, start = BlockScanner(), "", 0
    for end in range(1, len(text) + 1):
        closed = scanner.feed(text[:end])
        if closed > start:
            html += markdown.render(text[start:closed])
            start = closed
    return html + markdown.render(text[start:])


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_blocks_together_are_the_whole(text: str) -> None:
    assert in_blocks(text).split() == str(markdown.render(text)).split()


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.data())
def test_the_cuts_do_not_depend_on_how_the_text_arrived(text: str, data: st.DataObject) -> None:
    scanner = BlockScanner()
    for end in sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6))):
        scanner.feed(text[:end])
    assert scanner.feed(text) == closed_end(text)


def test_paragraphs_close_when_the_next_begins() -> None:
    assert closed_end("one\n\n") == 0
    assert closed_end("one\n\n2") == 0  # may become a marker
    assert closed_end("one\n\nt") == closed_end("one\n\ntwo\n") == closed_end("one\n\n2 and\n") == len("one\n\n")


def test_what_stands_before_a_list_closes_when_the_list_begins() -> None:
    assert closed_end("one\n\n- a\n") == len("one\n\n")
    assert closed_end("- a\n\n- b\n\n") == 0


def test_code_stays_open_until_its_fence_ends() -> None:
    text = "```\na\n\nb\n"
    assert closed_end(text + "\nc\n") == 0
    assert closed_end(text + "```\nafter\n") == len(text) + 4


def test_a_list_stays_open_over_its_blank_lines() -> None:
    assert closed_end("- a\n\n- b\n\n  c\n") == 0


def test_open_code_is_told_from_text_by_its_first_whole_line() -> None:
    assert open_code("```python\nx = 1\n") == ("python", "x = 1\n")
    assert open_code("~~~\n") == ("", "")
    assert open_code("```python") is None
    assert open_code("text\n```\n") is None


@pytest.mark.parametrize(
    ("rest", "end", "goes_on"),
    [
        ("plain words. And more", 0, False),
        ("**bold** words", 0, False),
        ("**bold** words. And", len("**bold** words. "), True),
        ("plain words. And **bold", 0, False),
        ("a `b.` (c.) d", len("a `b.` (c.) "), True),
        ("## Head", 0, False),
        ("## Head\n", len("## Head\n"), False),
        ("## Head\n\nText", len("## Head\n\n"), False),
        ("- one\n- tw", len("- one\n"), False),
        ("- one\n- two. Three", len("- one\n"), False),
        ("- one\n- **two**: thr", len("- one\n- **two**: "), True),
        ("1. `two`. Three *four*", len("1. `two`. "), True),
        ("  - **two**: three", len("  - **two**: "), True),
        ("- - **two**: three", 0, False),
        ("-     **two**: three", 0, False),
        ("- one\ntwo", len("- one"), True),
        ("| a | b |\n|---|", len("| a | b |\n"), False),
        ("one\ntwo", len("one"), True),
        ("\n\n", 0, False),
        ("", 0, False),
    ],
)
def test_whole_lines_and_whole_sentences_are_settled(rest: str, end: int, goes_on: bool) -> None:
    assert settled(rest) == (end, goes_on)


def test_code_is_shown_as_it_is_written() -> None:
    assert shape("```\nx = 1\n") is None
    assert shape("```") == (0, False)


def test_a_long_block_is_not_rendered_again_and_again() -> None:
    lines = "- item\n" * SETTLED_LIMIT
    assert settled(lines) == settled(lines + "- more\n")
    assert 0 < settled(lines)[0] <= SETTLED_LIMIT
