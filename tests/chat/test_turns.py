"""The element of a block that still grows."""

import pytest
from bs4 import BeautifulSoup

from agentos.chat.turns import open_block


@pytest.mark.parametrize(
    ("rest", "place", "text"),
    [
        ("plain words", "div.open-block > .tail", "plain words"),
        ("A **word**. Then mo", "p > .tail", "A word. Then mo"),
        ("- one\n- **Two**: thr", "ul > li:last-child > .tail", "Two: thr"),
        ("1. one\n   - **Two**: thr", "li > ul > li > .tail", "Two: thr"),
        ("- one\n- tw", "div.open-block > .tail", "- tw"),
        ("## Head\nmore", "div.open-block > .settled > .tail, div.open-block > .tail", "more"),
    ],
)
def test_text_is_added_where_it_will_stand(rest: str, place: str, text: str) -> None:
    soup = BeautifulSoup(open_block("turn-1-part-0", rest), "html.parser")
    tail = soup.select_one("#turn-1-part-0-tail")
    assert tail is not None
    assert soup.select(place) == [tail]
    assert tail.parent is not None
    around = tail if "open-block" in place else tail.parent
    assert around.get_text().strip() == text


def test_a_model_writes_text_and_no_html() -> None:
    html = open_block("turn-1-part-0", "- **a**: <b>x</b>")
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
