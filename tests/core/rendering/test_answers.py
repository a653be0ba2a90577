"""What models write is shown as its readers expect it."""

import pytest
from bs4 import BeautifulSoup, Tag

from agentos.core.rendering import markdown
from tests.core.rendering.answers import ANSWERS, Answer


def words(tag: Tag) -> str:
    if tag.name == "math":
        return str(tag["alttext"])
    return " ".join(tag.get_text().split())


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer.name for answer in ANSWERS])
def test_an_answer_is_shown_as_its_reader_expects(answer: Answer) -> None:
    soup = BeautifulSoup(markdown.render(answer.text, name="t-"), "html.parser")
    for selector, expected in answer.found.items():
        assert [words(tag) for tag in soup.select(selector)] == expected, selector
    if answer.words:
        assert words(soup) == answer.words
