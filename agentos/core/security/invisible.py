"""Characters that a reader cannot see, or that change how others are read: shown as what they are, such as ``\\u202e``.

Whoever decides by a text, or knows somebody by a name, has to read what a program reads: a direction override turns ``moc.live@ada``
round, and a zero-width character makes two names look like one.
"""

import re

# Controls but tab and line break, formats (direction marks, overrides, isolates, zero-width and invisible operators), separators of
# lines and paragraphs, fillers and blanks that are letters by name, variation selectors, tags, private use, what is no character.
UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U00013430-\U0001343f\U000e0000-\U0010ffff"
)
BLANK = r"\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # spaces that are not the one of the keyboard
MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
HEAP = rf"(?<={MARKS * 3}){MARKS}+"  # more on one letter than any language has: they cover the lines around

# What scripts and emoji are written with. A joiner stands between letters of scripts that join; a flag is one of three.
JOINING = r"[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
PICTURE = r"[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001fbff]"
WANTED = (
    rf"(?<={JOINING})[\u200c\u200d](?={JOINING})",
    rf"(?<={PICTURE})\ufe0f?\u200d(?={PICTURE})",
    rf"(?<={PICTURE})[\ufe0e\ufe0f]",
    r"(?<=[0-9#*])\ufe0f(?=\u20e3)",
    *("\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f" for name in ("gbeng", "gbsct", "gbwls")),
)

_in_names = re.compile(rf"(?P<wanted>{'|'.join(WANTED)})|[{UNSEEN}]|{HEAP}")
_anywhere = re.compile(rf"(?P<wanted>(?!))|[{UNSEEN}{BLANK}]|{HEAP}")


def visible(text: object) -> str:
    """Return a name, a title or a sentence as a person may trust it: what the writing of a language or an emoji needs stays."""
    return _shown(_in_names, str(text))


def exact(text: object) -> str:
    """Return a text by which somebody decides: nothing in it but what can be seen, whatever it was for."""
    return _shown(_anywhere, str(text))


def without(text: str) -> str:
    """Return a text without such characters: one that nobody has written, so that none was meant."""
    return _in_names.sub(lambda found: found["wanted"] or "", text)


def _shown(pattern: re.Pattern[str], text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return pattern.sub(lambda found: found[0] if found["wanted"] else "".join(map(_escape, found[0])), text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\u{{{code:x}}}"  # noqa: PLR2004
