"""A cut is final: rendering block by block gives what rendering the whole gives, however the text arrived."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentos.chat.live.blocks import SETTLED_LIMIT, BlockScanner, closed_end, open_code, settled, shape
from agentos.core.rendering import markdown
from agentos.core.rendering.formulas import BLOCK_LIMIT

LINES = st.sampled_from(
    [
        "", "", "", "Some words", "# Heading", "## Other", "- item", "- other", "* star", "1. one", "2. two", "  more of it",
        "    deep", "> quote", "```", "```python", "~~~", "x = 1", "    ```", "  ```", "- ```", "| a | b |", "|---|---|",
        "| 1 | 2 |", "---", "===", "***", "`code`", "``` ```", "\ttab", "1) one", "<div>", "&amp;", "a  ", "\\", "+ plus", "10. ten",
        "**Bold.** And *more.* Then", "A `code: x` in [a link. So](https://example.com/a.b?) it is",
        "```md", "```text", "\\[", "\\]", "$$", "a \\(b. c\\) d", "x = $y$. So", "Claim[^1].", "[^1]: Source",
        "\\begin{align}", "\\end{align}", "a &= b \\\\", "These are some words", "    $$",
        "    more", "[1]: /x", "[a][1]",
        "> [!NOTE]", "> [!tip] Title", "| 1 | 2 | 3 |", "- [x] done", "3. three", "2. two", "**重点。**接着", "| `a|b` |",
    ]
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=25).map("\n".join)


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    markdown.render("```python\nx\n```")  # the first time, colours take long


def in_blocks(text: str) -> str:
    """Render as a live tab does: what is closed as it closes, the rest at the end."""
    scanner, html, start = BlockScanner(), "", 0
    for end in range(1, len(text) + 1):
        closed = scanner.feed(text[:end])
        if closed > start:
            html += markdown.render(text[start:closed], growing=True)
            start = closed
    return html + markdown.render(text[start:], growing=True)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_blocks_together_are_the_whole(text: str) -> None:
    assert in_blocks(text).split() == str(markdown.render(text, growing=True)).split()


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.data())
def test_the_cuts_do_not_depend_on_how_the_text_arrived(text: str, data: st.DataObject) -> None:
    scanner = BlockScanner()
    for end in sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6))):
        scanner.feed(text[:end])
    assert scanner.feed(text) == closed_end(text)


def test_a_line_further_left_ends_the_code_of_a_list_item() -> None:
    text = "- item\n\n  ```\n  x = 1\nSome words\n  ```\n\nThis is code by now.\n"
    assert in_blocks(text).split() == str(markdown.render(text, growing=True)).split()
    assert closed_end(text) == 0


def test_paragraphs_close_when_the_next_begins() -> None:
    assert closed_end("one\n\n") == 0
    assert closed_end("one\n\n2") == 0  # may become a marker
    assert closed_end("one\n\nt") == closed_end("one\n\ntwo\n") == closed_end("one\n\n2 and\n") == len("one\n\n")


def test_one_letter_is_enough_to_tell_a_word_from_a_marker() -> None:
    assert closed_end("one\n\nI am") == closed_end("one\n\nA") == len("one\n\n")
    assert closed_end("one\n\n*a") == closed_end("one\n\n a") == 0


def test_what_stands_before_a_list_closes_when_the_list_begins() -> None:
    assert closed_end("one\n\n- a\n") == len("one\n\n")
    assert closed_end("- a\n\n- b\n\n") == 0


def test_code_stays_open_until_its_fence_ends() -> None:
    text = "```\na\n\nb\n"
    assert closed_end(text + "\nc\n") == 0
    assert closed_end(text + "```\nafter\n") == len(text) + 4


def test_code_that_holds_code_stays_open_until_its_own_fence() -> None:
    text = "```markdown\n# T\n```bash\nx\n```\n\nDone.\n"
    assert closed_end(text) == 0
    assert closed_end(text + "```\nafter\n") == len(text) + 4


@pytest.mark.parametrize(("opener", "closer"), [("\\[", "\\]"), ("$$", "$$"), ("\\begin{align}", "\\end{align}")])
def test_a_formula_stays_open_over_its_blank_lines(opener: str, closer: str) -> None:
    formula = f"{opener}\na\n\nb = 1\n\n"
    assert closed_end(f"{formula}And") == 0
    assert closed_end(f"{formula}{closer}\n\nAnd") == len(f"{formula}{closer}\n\n")
    assert closed_end(f"{formula}`code`\n\nAnd") == len(f"{formula}`code`\n\n")
    assert closed_end(f"{formula}{'- b' * BLOCK_LIMIT}\n\n* c\n\nAnd") > BLOCK_LIMIT  # too long


def test_what_is_no_formula_may_stand_before_one() -> None:
    prose, formula = "$$\nThese are some words\n\n", "$$\na\n\nb\n$$\n\n"
    assert closed_end(f"{prose}{formula}And") == len(prose + formula)
    assert closed_end(f"{prose}$$\na\n\nb") == 0


def test_a_list_stays_open_over_its_blank_lines() -> None:
    assert closed_end("- a\n\n- b\n\n  c\n") == 0


def test_code_that_leaves_its_list_item_stops_the_cutting() -> None:
    """It may end the item, and the code with it, or go on: nothing is cut any more, whatever comes."""
    item = "- item\n\n  ```\n  x = 1\n"
    assert closed_end(item + "y = 2\n\nText\n\nMore\n") == 0
    assert closed_end(item + "  y = 2\n  ```\nAfter\n") == len(item) + len("  y = 2\n  ```\n")


def test_code_in_no_list_may_stand_further_left_than_its_fence() -> None:
    code = "  ```\nx = 1\n  ```\n"
    assert closed_end(f"Text\n\n{code}After\n") == len(f"Text\n\n{code}")
    assert closed_end(f"- item\n\nText\n\n{code}After\n") == len(f"- item\n\nText\n\n{code}")  # the list is over


def test_code_ends_by_a_fence_of_its_own_kind_and_length() -> None:
    for not_yet in ("```", "~~~~", "```` x", "     ````", "``` `"):
        assert closed_end(f"````\na\n{not_yet}\nb\n\nText\n") == 0, not_yet
    for ends in ("````", "`````", "   ````", "````  "):
        assert closed_end(f"````\na\n{ends}\nText\n") == len(f"````\na\n{ends}\n"), ends


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
        ("这是 **重点** 内容。接下来讨论", len("这是 **重点** 内容。"), True),
        ("**重要：**请注意", len("**重要：**"), True),
        ("这是 **重点** 内容。", 0, False),
        ("नमस्ते **दुनिया**। यह", len("नमस्ते **दुनिया**। "), True),
        ("هذا **مهم**؟ ثم", len("هذا **مهم**؟ "), True),
        ("สวัสดี **โลก** ครับ ต่อไป", len("สวัสดี **โลก** ครับ "), True),
        ("ဒါ **အရေး** ပါ။ နောက်", len("ဒါ **အရေး** ပါ။ "), True),
        ("**So**… And", len("**So**… "), True),
        ("So $x$. And", len("So $x$. "), True),
        ("So \\(x. y\\). And", len("So \\(x. y\\). "), True),
        ("*So.* And \\(x. y", len("*So.* "), True),
        ("So:\n\\[\nx\n", len("So:\n"), False),
        ("So:\n\\[\nx\n\\]\n", len("So:\n\\[\nx\n\\]\n"), False),
        ("$$\nx\n\ny", 0, False),
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
        ("one\ntwo", len("one"), True),
        ("\n\n", 0, False),
        ("", 0, False),
    ],
)
def test_whole_lines_and_whole_sentences_are_settled(rest: str, end: int, goes_on: bool) -> None:
    assert settled(rest)[:2] == (end, goes_on)


@pytest.mark.parametrize(
    ("rest", "end", "is_row"),
    [
        ("|", 0, True),
        ("| a | b", 0, True),
        ("| a | b |\n", 0, True),
        ("| a | b |\n|---|", 0, True),
        ("| a | b |\n|---|---|\n", len("| a | b |\n|---|---|\n"), False),
        ("| a | b |\n|---|---|\n| 1 |", len("| a | b |\n|---|---|\n"), True),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", len("| a | b |\n|---|---|\n| 1 | 2 |\n"), False),
        ("So:\n| a | b |\n| - ", len("So:\n"), True),
        ("| a | b |\n| no table |\n| 1", len("| a | b |\n| no table |\n"), False),
        ("|x| is how far it is from nought.\nAnd", len("|x| is how far it is from nought."), False),
        ("| " + "x" * 2000 + "\n", 2003, False),
    ],
)
def test_a_row_is_not_shown_before_it_is_whole(rest: str, end: int, is_row: bool) -> None:
    found = settled(rest)
    assert (found.end, found.is_row) == (end, is_row)


def test_a_long_table_goes_on_in_few_steps() -> None:
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 4000
    ends = {settled(table[:length]).end for length in range(0, len(table), 50)}
    late = sorted(end for end in ends if end > SETTLED_LIMIT)
    assert 10 < len(late) < 30
    assert max(late) > len(table) * 0.8
    assert all(settled(table[: end + 60]).is_row for end in late)


def test_code_is_shown_as_it_is_written() -> None:
    assert shape("```\nx = 1\n") is None
    assert shape("```") == (0, False, False)


def test_a_long_block_is_not_rendered_again_and_again() -> None:
    lines = "- item\n" * SETTLED_LIMIT
    assert settled(lines) == settled(lines + "- more\n")
    assert 0 < settled(lines)[0] <= SETTLED_LIMIT
