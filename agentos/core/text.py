"""Text as people and programs send it, made fit to be stored."""

import unicodedata

SOFT_HYPHEN = "\u00ad"
JOINER = "\u200d"  # of emoji: a family is several people
# Not marks by their category, but shown with what stands before them: joiners, half-width marks, skin colours, the tags of some flags.
JOINING = frozenset({JOINER, "\u200c", "\uff9e", "\uff9f", *map(chr, range(0x1F3FB, 0x1F400)), *map(chr, range(0xE0020, 0xE0080))})
MARKS = frozenset({"Mn", "Mc", "Me"})
FLAG = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # letters of which two are a flag
VIRAMA = 9  # a combining class: the consonant after it is written together with the one before
# Korean syllables in pieces: which may follow which.
SYLLABLE = {"L": ("L", "V", "LV", "LVT"), "V": ("V", "T"), "LV": ("V", "T"), "T": ("T",), "LVT": ("T",)}
PIECES = (("L", 0x1100, 0x115F), ("V", 0x1160, 0x11A7), ("T", 0x11A8, 0x11FF))
HANGUL, HANGUL_END, VARIANTS = 0xAC00, 0xD7A3, 28


def clean(text: str) -> str:
    """Return ``text`` with one kind of line end, and without what no database stores: NUL and lone surrogates."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return plain.encode("utf-8", "replace").decode("utf-8")


def folded(text: str) -> str:
    """Return ``text`` as it is searched: without capitals, composed, and with one blank for each white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace(SOFT_HYPHEN, "")
    return " ".join(text.lower().split())


def whole_number(text: str, digits: int = 9) -> int | None:
    """Return the number that somebody has typed, None for anything else, or for one with more digits than these."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def shorten(text: str, limit: int) -> str:
    """Return the first line of ``text``, cut at a word so that it has at most ``limit`` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    begun = line[: cut_before(line, limit - 1)]
    return (begun.rsplit(" ", 1)[0] if " " in begun[limit // 2 :] else begun).rstrip(" ,.;:") + "…"


def cut_before(text: str, end: int) -> int:
    """Return where ``text`` can be cut, at ``end`` or before, so that no character is cut as people see it: an emoji that is joined of
    several, a flag, a letter with its marks, a syllable. One that is longer than all of that is cut."""
    place = min(end, len(text))
    while 0 < place < len(text) and belong_together(text, place):
        place -= 1
    return place or end


def parts_of(text: str, size: int) -> list[str]:
    """Cut a text into parts of at most ``size`` characters, between lines where there are some. There is always one."""
    parts = []
    while len(text) > size:
        cut = text.rfind("\n", size // 2, size) + 1 or size
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text] if text.strip() or not parts else parts


def belong_together(text: str, place: int) -> bool:
    """Whether the character at ``place`` is shown as one with what stands before it (UAX 29, without its rarest rules)."""
    before, char = text[place - 1], text[place]
    if unicodedata.category(char) in MARKS or char in JOINING or before == JOINER:
        return True
    if char in FLAG:
        first = place
        while first and text[first - 1] in FLAG:
            first -= 1
        return (place - first) % 2 == 1
    if unicodedata.combining(before) == VIRAMA:
        return char.isalpha()
    return _piece(char) in SYLLABLE.get(_piece(before), ())


def _piece(char: str) -> str:
    """Which piece of a Korean syllable this is; nothing for other characters."""
    code = ord(char)
    if HANGUL <= code <= HANGUL_END:
        return "LVT" if (code - HANGUL) % VARIANTS else "LV"
    return next((name for name, first, last in PIECES if first <= code <= last), "")
