"""What a person wrote is shown as it is written, but code as code, and the whole of a long message when it is asked for."""

import time

import pytest
from bs4 import BeautifulSoup

from agentos.core.rendering.said import CHARACTERS, LINES, said


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


@pytest.mark.parametrize(
    "text",
    [
        "**no** _markdown_ # here\n- [x](y)\n\n    as it is",
        "  indented\n    more",
        "<script>alert(1)</script> & <b>",
        "```\nnever closed\n\nand **more**",
        "a ``` b\n``` c ```",
        "| a |\n|---|",
        "1. $x^2$ \\(a\\)",
        "",
    ],
)
def test_a_message_is_shown_as_it_is_written(text: str) -> None:
    assert soup(said(text).head).get_text() == text
    assert soup(said(text).head).find_all(True) == []


def test_fenced_code_is_code() -> None:
    shown = soup(said("Why?\n```python\n  def f(): pass\n\n**x**\n```\nThanks\n~~~\n<b>\n~~~").head)
    assert [code.get_text() for code in shown.select(".code pre")] == ["  def f(): pass\n\n**x**\n", "<b>\n"]
    assert shown.select_one(".code")["data-language"] == "python"  # type: ignore[index]
    assert shown.select("strong") == []
    assert "Why?" in shown.get_text()
    assert "Thanks" in shown.get_text()


def test_code_that_holds_code_is_one_block() -> None:
    shown = soup(said("```md\n```bash\nx\n```\ny\n```\nz").head)
    assert [code.get_text() for code in shown.select("pre")] == ["```bash\nx\n```\ny\n"]


class TestALongMessage:
    @pytest.mark.parametrize("text", ["line\n" * 100, "word " * 1000, "x" * 32_000, "\n".join(["```py", *["x = 1"] * 100, "```", "End."])])
    def test_shows_its_beginning_and_holds_the_whole(self, text: str) -> None:
        shown = said(text)
        assert shown.whole
        assert soup(shown.whole).get_text().count("\n") >= text.count("\n") - 2
        head = soup(shown.head).get_text()
        assert len(head) <= CHARACTERS + 1
        assert head.count("\n") <= LINES
        assert text.replace("```py\n", "").startswith(head.rstrip("\n"))

    @pytest.mark.parametrize("text", ["line\n" * LINES, "word " * 250, "short"])
    def test_is_not_folded_when_little_would_be_hidden(self, text: str) -> None:
        assert not said(text).whole

    def test_shows_code_that_is_cut_as_code(self) -> None:
        text = "\n".join(["Look:", "```", *["x = 1"] * 100, "```"])
        assert soup(said(text).head).select("pre")


@pytest.mark.parametrize("piece", ["```\n", "```text\n```b\n```\n", "~~~~\n```\n", "```text\n", "\n", "`", " ", "```a\n~~~b\n"])
def test_no_message_takes_long(piece: str) -> None:
    """Four times as much takes about four times as long, not sixteen times."""

    def cost(length: int) -> float:
        text = (piece * length)[:length]
        costs = []
        for _ in range(3):
            start = time.thread_time()
            said(text)
            costs.append(time.thread_time() - start)
        return min(costs)

    assert cost(32_000) < 9 * cost(8_000) + 0.02
