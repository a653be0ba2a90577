"""Reasoning that a model writes into its answer, between ``<think>`` and ``</think>`` or their like: told apart while it grows.

Only what an answer begins with counts, so that prose and code that talk about the tags are left alone. Some chat templates write the
opening tag into the prompt: then a closing tag that stands at the end of a line, with no opening one before it, says that all text
before it was reasoning.
"""

import re

CONTENT, REASONING = "content", "reasoning_content"
RETHOUGHT = "rethought"  # a piece of this field: the content that was given so far was reasoning

Piece = tuple[str, str]  # field, text

_CLOSE = ("</think>", "</thinking>")
_OPEN = ("<think>", "<thinking>")
# What the models of others write, and what ends it.
_PAIRS = {
    "think": _CLOSE, "thinking": _CLOSE, "thought": ("</thought>",), "reason": ("</reason>",), "reasoning": ("</reasoning>",),
    "seed:think": ("</seed:think>",), "\u25c1think\u25b7": ("\u25c1/think\u25b7",), "[THINK]": ("[/THINK]",),
    "<|begin_of_thought|>": ("<|end_of_thought|>",), "<|channel|>analysis<|message|>": ("<|end|>",),
}  # fmt: skip
_FIXED = tuple(sign for sign in _PAIRS if not sign[0].isalpha())
_TAG = re.compile(rf"<({'|'.join(sign for sign in _PAIRS if sign[0].isalpha())})(?:\s[^<>]{{0,100}})?>", re.IGNORECASE | re.ASCII)
_TAG_BEGUN = re.compile(_TAG.pattern.removesuffix(">") + r"\Z", re.IGNORECASE | re.ASCII)
# What may stand round reasoning and is neither it nor the answer.
_ROUND = ("<|start|>assistant", "<|channel|>final<|message|>", "<|begin_of_solution|>")
_STARTS = (*(f"<{sign}>" for sign in _PAIRS if sign[0].isalpha()), *_FIXED, *_ROUND, *_CLOSE)
_LAST = ("<|return|>", "<|end|>", "<|end_of_solution|>")  # such an answer may end so
_ANY = re.compile("|".join(map(re.escape, (*_CLOSE, *_FIXED, *_ROUND))) + f"|{_TAG.pattern}", re.IGNORECASE | re.ASCII)
_ENDS = {closes: re.compile("|".join(map(re.escape, closes)), re.IGNORECASE | re.ASCII) for closes in _PAIRS.values()}
_LONGEST = max(map(len, _STARTS))
_INVISIBLE = "\ufeff\u200b"  # which some servers begin with
SOUND = re.compile(r"[^\s\u200b-\u200d\u2060\ufeff]")  # what can be seen of an answer
_ALONE = re.compile(r"(?:^|[\n.!?\u2026\u3002\uff01\uff1f])[ \t]*\Z")  # what may stand before a closing tag that was never opened
_FENCE = re.compile(r"^[ ]{0,3}(?:```|~~~)", re.MULTILINE)


class ThinkTags:
    """One answer. What may be the beginning of a tag is held back until it is known."""

    def __init__(self) -> None:
        self._state = "start"  # then "thoughts" and "text"
        self._held = ""
        self._closes: tuple[str, ...] = ()
        self._has_marks = False  # of ``_ROUND``, and so perhaps of ``_LAST``
        self._is_thinking = False  # said something of it
        self._is_after_thoughts = False
        self._said: list[str] = []  # content, as long as a closing tag may still turn it into reasoning
        self._may_turn = True

    @property
    def is_plain(self) -> bool:
        """Whether text without ``<`` may pass as it is."""
        return self._state == "text" and not self._held

    def no_tags(self) -> None:
        """The server tells reasoning apart itself: a closing tag is text."""
        self._may_turn = False
        self._said.clear()

    def passed(self, text: str) -> None:
        """Take note of content that was not fed, since ``is_plain``."""
        if self._may_turn:
            self._said.append(text)

    def feed(self, text: str) -> list[Piece]:
        self._held += text
        return self._pieces(is_end=False)

    def end(self) -> list[Piece]:
        """Return what was held back. White space that nothing came after is dropped."""
        pieces = self._pieces(is_end=True)
        held, self._held = self._held, ""
        if SOUND.search(held):
            pieces.append((REASONING if self._state == "thoughts" else CONTENT, held))
        return pieces

    def _pieces(self, *, is_end: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while self._step(pieces, is_end=is_end):
            pass
        return [piece for piece in pieces if piece[1]]

    def _step(self, pieces: list[Piece], *, is_end: bool) -> bool:
        """Take from what is held. Returns whether there may be more to take."""
        if self._state == "start":
            return self._start(is_end=is_end)
        return self._thoughts(pieces, is_end=is_end) if self._state == "thoughts" else self._text(pieces, is_end=is_end)

    def _start(self, *, is_end: bool) -> bool:
        """Before the first word: white space, and perhaps a tag."""
        rest = self._held.lstrip().lstrip(_INVISIBLE).lstrip()
        if not rest:
            return False
        small = rest[:_LONGEST].lower()
        found = _TAG.match(rest)
        opening = found[0] if found else next((sign for sign in _FIXED if rest.startswith(sign)), "")
        if opening:
            self._closes, self._held, self._state = _PAIRS[found[1].lower() if found else opening], rest[len(opening) :], "thoughts"
            return True
        for sign in (*_CLOSE, *_ROUND):
            if small.startswith(sign):
                self._held, self._is_after_thoughts = rest[len(sign) :], True
                self._has_marks = self._has_marks or sign in _ROUND
                return True
        if not is_end and (any(sign.lower().startswith(small) for sign in _STARTS) or _TAG_BEGUN.match(rest)):
            return False
        if self._is_after_thoughts:
            self._held = rest
            self.no_tags()
        self._state = "text"
        return True

    def _thoughts(self, pieces: list[Piece], *, is_end: bool) -> bool:
        if not self._is_thinking:
            self._held = self._held.lstrip()
        found = _ENDS[self._closes].search(self._held)
        if not found:
            self._give(pieces, REASONING, 0 if is_end else _tag_begun(self._held, self._closes))
            self._is_thinking = self._is_thinking or bool(pieces and pieces[-1][1])
            return False
        pieces.append((REASONING, self._held[: found.start()].rstrip()))
        self._held, self._state = self._held[found.end() :], "start"
        self._is_thinking, self._is_after_thoughts = False, True
        return True

    def _text(self, pieces: list[Piece], *, is_end: bool) -> bool:
        if self._may_turn:
            found = _ENDS[_CLOSE].search(self._held)
            if found:
                return self._closed(pieces, found.start(), found[0], is_end=is_end)
        if self._has_marks and (end := self._held.rstrip()).endswith(_LAST):
            if is_end:
                self._held = end.removesuffix(next(sign for sign in _LAST if end.endswith(sign)))
                self._has_marks = False
                return True
            keep = len(self._held) - end.rindex("<|")
        else:
            keep = _tag_begun(self._held, _LAST) if self._has_marks else _tag_begun(self._held, _CLOSE) if self._may_turn else 0
        self._give(pieces, CONTENT, 0 if is_end else keep)
        return False

    def _closed(self, pieces: list[Piece], place: int, tag: str, *, is_end: bool) -> bool:
        """A closing tag that was never opened: the end of the reasoning, unless the text is about tags."""
        before, after = self._held[:place], self._held[place + len(tag) :]
        if not after and not is_end:
            return False
        said = "".join(self._said) + before
        about_tags = (
            any(opening in said.lower() for opening in _OPEN) or len(_FENCE.findall(said)) % 2 or said.rpartition("\n")[2].count("`") % 2
        )
        if about_tags or not _ALONE.search(said) or (after and after[0] not in "\r\n"):
            self.no_tags()
            return True
        pieces += [(CONTENT, before), (RETHOUGHT, tag)]
        self.no_tags()
        self._held, self._is_after_thoughts, self._state = after, True, "start"
        return True

    def _give(self, pieces: list[Piece], field: str, keep: int) -> None:
        end = len(self._held) - keep
        pieces.append((field, self._held[:end]))
        if field == CONTENT:
            self.passed(pieces[-1][1])
        self._held = self._held[end:]


def _tag_begun(text: str, tags: tuple[str, ...]) -> int:
    """Return how many characters at the end may be the beginning of one of the tags."""
    tail = text[-max(map(len, tags)) :].lower()
    for length in range(len(tail), 0, -1):
        if any(tag.lower().startswith(tail[-length:]) for tag in tags):
            return length
    return 0


def without_thoughts(text: str) -> str:
    """Return an answer without the reasoning that is written into it."""
    if not _ANY.search(text):
        return text
    tags = ThinkTags()
    said: list[str] = []
    for field, piece in (*tags.feed(text), *tags.end()):
        if field == RETHOUGHT:
            said.clear()
        elif field == CONTENT:
            said.append(piece)
    return "".join(said)
