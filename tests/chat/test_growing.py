"""What models write, while it grows: cut at every character, the live tab shows what a fresh page shows, and nothing is lost."""

import pytest
from bs4 import BeautifulSoup

from agentos.chat.live.buffer import LiveBuffer
from agentos.chat.live.elements import part_id
from agentos.chat.live.part_views import part_view
from agentos.chat.models import Run
from agentos.core.fragments import draw
from agentos.core.rendering import deadline
from tests.chat.test_streaming import grow, page_of
from tests.core.rendering.answers import ANSWERS, Answer

LONG = 400  # characters; of a longer text not every cut is tried
STEP = 37


@pytest.fixture
def all_the_time_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is hard to read is given up by the clock, so on a busy machine at one place in a tab and at another in a page."""
    for limit in ("BLOCKS", "TEXT", "DRAWN", "ONE_PARAGRAPH", "ONE_CODE"):
        monkeypatch.setattr(deadline, limit, 60.0)


@pytest.mark.usefixtures("all_the_time_there_is")
@pytest.mark.parametrize("answer", ANSWERS, ids=[answer.name for answer in ANSWERS])
def test_it_is_what_a_fresh_page_shows(answer: Answer) -> None:
    step = 1 if len(answer.text) < LONG else STEP
    buffer = LiveBuffer(Run(pk=1, session_id=1, turn=1, attempt=1))
    buffer.take(1, "text", {"text": answer.text[:1]})
    tab = page_of(buffer)
    for seq, start in enumerate(range(1, len(answer.text), step), 2):
        buffer.take(seq, "text", {"text": answer.text[start : start + step]})
        grow(tab, buffer, seq - 1)
        assert tab.shown("turn-1-answer") == page_of(buffer).shown("turn-1-answer"), answer.text[: start + step]


def growing(text: str) -> BeautifulSoup:
    """What a page shows of an answer that has come so far."""
    view = part_view({"kind": "text", "text": text}, part_id("turn-1", 0), growing=True)
    return BeautifulSoup(draw("chat/_part.html", {"part": view}), "html.parser")


@pytest.mark.parametrize(
    ("before", "formula", "after"),
    [
        ("", "\\[\n\\int_0^1 x_i^2 \\, dx = \\frac{1}{3}\n\\]", "\n"),
        ("The sum. *Look:*\n", "\\[\na\n= b_1\n- c\n\\]", "\n"),
        ("- **Sum.** ", "\\(a. b_1\\)", " is it. Then"),
        ("1. Area:\n   ", "$$\n   A = \\pi\n   $$", "\n"),
        ("", "$$\n\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}\n$$", "\n"),
    ],
)
def test_a_formula_is_shown_as_it_is_written_until_it_ends(before: str, formula: str, after: str) -> None:
    for end in range(2, len(formula)):
        soup = growing(before + formula[:end])
        assert soup.select("math") == []
        [tail] = soup.select(".tail")
        assert tail.get_text().endswith(formula[:end])
    assert growing(before + formula + after).select("math")


@pytest.mark.parametrize("end", range(len("```markdown\n# T\n"), len("```markdown\n# T\n\n```bash\nx\n```\n\nDone.\n")))
def test_code_that_holds_code_is_one_block_all_the_time(end: int) -> None:
    soup = growing("```markdown\n# T\n\n```bash\nx\n```\n\nDone.\n"[:end])
    assert len(soup.select(".open-code")) == 1
    assert soup.select("p, pre") == []


def test_a_finished_sentence_without_blanks_is_shown_rendered() -> None:
    assert [tag.get_text() for tag in growing("这是 **重点** 内容。接下来讨论").select("strong")] == ["重点"]


def test_a_line_break_stays_one() -> None:
    assert [tag.get_text() for tag in growing("12 Sample Street\nBack").select(".tail")] == ["\nBack"]
    assert len(growing("12 Sample Street\nBack entrance\nTown").select(".settled br")) == 1
    assert len(growing("12 Sample Street\nBack entrance\nTown 12345\n\nEnd").select("p br")) == 2


def test_a_footnote_is_a_raised_label_until_the_text_is_whole() -> None:
    soup = growing("Claim[^1].\n\nMore.\n\n[^1]: The source.\n\nEnd")
    assert [tag.get_text() for tag in soup.select("sup")] == ["1", "1"]
    assert soup.select("sup a") == []
    assert "The source." in soup.get_text()
