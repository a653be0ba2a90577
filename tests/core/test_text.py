"""Text as people and programs send it: what of it is a number, and where it may be cut."""

import pytest

from agentos.core.text import cut_before, shorten, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("9" * 9, 999_999_999),
        ("9" * 10, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1_0", None),
        (" 1", None),
        ("\u0663", None),  # a three of Arabic
        ("\u00b2", None),
        ("x", None),
    ],
)
def test_a_number_is_what_is_written_in_plain_digits(text: str, number: int | None) -> None:
    assert whole_number(text) == number


def test_it_has_as_many_digits_as_are_allowed() -> None:
    assert (whole_number("123", digits=3), whole_number("1234", digits=3)) == (123, None)


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
GERMANY, FRANCE = "\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7"
SCOTLAND = "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\U000e007f"


@pytest.mark.parametrize(
    ("text", "end", "place"),
    [
        ("abc", 2, 2),
        ("abc", 3, 3),
        ("abc", 9, 3),
        ("a" + FAMILY, 2, 1),
        ("a" + FAMILY, 3, 1),
        ("a" + FAMILY + "b", 6, 6),
        ("a\U0001f44d\U0001f3fd", 2, 1),  # a thumb with its colour
        ("a" + SCOTLAND, 4, 1),
        ("a\u2764\ufe0f", 2, 1),  # a heart that is red by the sign after it
        ("a1\ufe0f\u20e3", 3, 1),  # a key with a number
        (GERMANY + FRANCE, 1, 1),  # longer than all that may stay
        (GERMANY + FRANCE, 2, 2),
        (GERMANY + FRANCE, 3, 2),
        ("a" + GERMANY + FRANCE, 2, 1),
        ("ae\u0301o", 2, 1),  # a letter and its accent
        ("ae\u0301o", 3, 3),
        ("a\u0915\u094d\u0937", 3, 1),  # a conjunct of Devanagari
        ("a\u1112\u1161\u11ab", 2, 1),  # a syllable of Korean in pieces
        ("a\u1112\u1161\u11ab", 3, 1),
        ("a\ud558\u11ab", 2, 1),
        ("\ud558\ud558", 1, 1),
        ("o" + "\u0301" * 30, 9, 9),
    ],
)
def test_a_text_is_cut_between_characters_as_people_see_them(text: str, end: int, place: int) -> None:
    assert cut_before(text, end) == place


def test_what_is_shortened_ends_with_a_whole_character() -> None:
    assert shorten("x" * 7 + FAMILY + "y" * 5, 10) == "x" * 7 + "…"
