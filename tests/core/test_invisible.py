"""What cannot be seen is shown; what languages and emoji are written with stays in names, and nowhere where somebody decides."""

import sys
import unicodedata

import pytest

from agentos.core.security.invisible import exact, visible

MALLORY = "\u202emoc.elpmaxe@ada\u202c"
# Formats that are drawn, before the digits that they enclose.
DRAWN = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
FILLERS = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x34F, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0xAD}


def test_no_character_that_is_not_seen_gets_through() -> None:
    """Asked of Unicode itself, for every character that there is."""
    kept = []
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        unseen = unicodedata.category(char) in {"Cf", "Cc", "Zl", "Zp", "Co", "Cs"} or code in FILLERS
        if (unseen or 0xFE00 <= code <= 0xFE0F or 0xE0000 <= code <= 0xE0FFF) and char not in "\t\n" and code not in DRAWN:
            kept += [hex(code) for show in (visible, exact) if char in show(f"a{char}b")]
    assert kept == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (MALLORY, "\\u202emoc.elpmaxe@ada\\u202c"),
        ("a\u200bb\u2066c\u2069\ufeff", "a\\u200bb\\u2066c\\u2069\\ufeff"),
        ("soft\u00adhy\u2800\u3164\uffa0", "soft\\u00adhy\\u2800\\u3164\\uffa0"),
        ("\U000e0041\U000e0042", "\\u{e0041}\\u{e0042}"),
        ("\U0001f600\U000e0061\U000e007f", "\U0001f600\\u{e0061}\\u{e007f}"),
        ("bell\x07\x1b[31m", "bell\\u0007\\u001b[31m"),
        ("a\ufe0fb\u200dc", "a\\ufe0fb\\u200dc"),
        ("Z\u0300\u0301\u0302\u0303\u0304o", "Z\u0300\u0301\u0302\\u0303\\u0304o"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_it_is_shown_everywhere(text: str, shown: str) -> None:
    assert visible(text) == exact(text) == shown


WRITTEN = (
    "می\u200cخواهم",  # Persian
    "क्\u200dष ശ്രീ\u200dമതി",  # Indic
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\u200d\U0001f525 \U0001f3f3\ufe0f\u200d\U0001f308 1\ufe0f\u20e3 \u263a\ufe0f",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
    "Nguye\u0302\u0303n Ångström שָׁלוֹם ไม้ 日本語　名",
)


@pytest.mark.parametrize("name", WRITTEN)
def test_names_stay_as_they_are_written(name: str) -> None:
    assert visible(name) == name


def test_where_somebody_decides_joiners_and_blanks_are_shown_too() -> None:
    assert exact(WRITTEN[0]) == "می\\u200cخواهم"
    assert exact("\U0001f468\u200d\U0001f469 a\u00a0b\u3000") == "\U0001f468\\u200d\U0001f469 a\\u00a0b\\u3000"
    assert exact("plain ünïcode – “quoted” 日本") == "plain ünïcode – “quoted” 日本"


def test_its_cost_grows_with_the_text() -> None:
    assert len(exact("\u202e" * 100_000)) == 600_000
    assert visible("\u0301" * 100_000).count("\\u0301") == 99_997
