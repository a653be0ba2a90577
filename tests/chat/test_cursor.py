"""Where a tab is: a cursor is one of ours or none, and of two the one counts that has seen more."""

import pytest

from agentos.chat.live.cursor import Cursor


def test_is_read_as_it_was_written() -> None:
    cursor = Cursor(3, 14, 15)
    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", "1", "1-2", "1-2-3-4", "-1-2-3", "1-2-x", " 1-2-3", "1-2-3\n", "١-2-3", f"{'9' * 19}-1-1", f"1-1-{'9' * 10}"]
)
def test_that_is_not_one_of_ours_is_none(text: str) -> None:
    assert Cursor.read(text) is None


def test_of_a_tab_that_has_seen_nothing_is_before_every_change() -> None:
    assert str(Cursor()) == "0-0-0"


def test_of_two_the_one_counts_that_has_seen_more() -> None:
    assert Cursor(1, 9, 9).newer(Cursor(2, 1, 1)) == Cursor(2, 1, 1)
    assert Cursor(2, 1, 5).newer(Cursor(2, 1, 4)) == Cursor(2, 1, 5)
    assert Cursor(2, 1, 4).newer(Cursor(2, 1, 5)) == Cursor(2, 1, 5)
    assert Cursor(2, 1, 4).newer(None) == Cursor(2, 1, 4)
