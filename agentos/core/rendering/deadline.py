"""What one text may cost: after so much work of the thread, the rest of it is shown as it is written.

Markdown has forms whose parsing grows faster than their length, and nobody knows all of them. So the parser is asked before each of its
rules whether there is time left. What a paragraph may take is less than what the text may, so one that is hard to read costs its own
looks and not those of the others. Nesting that is too deep for Python ends the same way.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any, TypeVar

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

T = TypeVar("T")

# Seconds of work of the thread (``time.thread_time``), counted from the beginning of a text. Drawing what was parsed comes on top.
BLOCKS, TEXT, DRAWN = 0.07, 0.12, 0.16
ONE_PARAGRAPH, ONE_CODE = 0.04, 0.08
EVERY = 8  # steps: to ask for the time costs as much as a small one

BLOCK_RULES = ["paragraph", "reference", "blockquote", "list"]  # whose lines ask other rules whether they end there
GIVES_UP = "deadline"  # the key in markdown-it's env


class TooSlow(Exception):
    """The time is over. Whoever catches it shows what is left as it is written."""


class Deadline:
    """Of one text, in one thread."""

    def __init__(self) -> None:
        self.began = thread_time()
        self.until = self.began + BLOCKS
        self.gave_up = False
        self._steps = 0

    def check(self) -> None:
        self._steps += 1
        if not self._steps % EVERY and thread_time() > self.until:
            raise TooSlow

    def has_time(self) -> bool:
        """Whether there is time left for what is drawn once the text is parsed: formulas."""
        has_time = thread_time() < self.began + DRAWN
        self.gave_up = self.gave_up or not has_time
        return has_time

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Pass ``items`` on until the time is over."""
        for item in items:
            self.check()
            yield item

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the time of what follows not count: it is done once for all texts, such as loading a language."""
        before = thread_time()
        yield
        spent = thread_time() - before
        self.began += spent
        self.until += spent

    @contextmanager
    def within(self, seconds: float, before: float) -> Iterator[None]:
        """Give what follows ``seconds``, but none after ``before`` (since the beginning). Raises TooSlow."""
        outer, now = self.until, thread_time()
        self.until = min(now + seconds, self.began + before)
        try:
            self._begin(now)
            yield
        except (TooSlow, RecursionError):
            self.gave_up = True
            raise TooSlow from None
        finally:
            self.until = outer

    def _begin(self, now: float) -> None:
        if now > self.until:
            raise TooSlow


def of(env: Any) -> Deadline:
    """Return the deadline of the text that is being rendered with ``env``; a new one where it has none."""
    found: Deadline | None = env.get(GIVES_UP)
    if found is None:
        found = env[GIVES_UP] = Deadline()
    return found


def install(markdown: MarkdownIt) -> None:
    """Keep all rules of ``markdown`` to the deadline: those that it has, and those that are added to its chains later."""
    markdown.block.ruler.before(markdown.block.ruler.get_all_rules()[0], GIVES_UP, _before_a_block, {"alt": BLOCK_RULES})
    markdown.inline.ruler.before(markdown.inline.ruler.get_all_rules()[0], GIVES_UP, _before_an_inline)
    markdown.core.ruler.at("block", _blocks)
    markdown.core.ruler.at("inline", _inlines)


def _before_a_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the form of every rule
    of(state.env).check()
    return False


def _before_an_inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the form of every rule
    of(state.env).check()
    return False


def _blocks(state: StateCore) -> None:
    """Parse the blocks of a text. When there is no time left, those that are complete stay."""
    try:
        with of(state.env).within(BLOCKS, BLOCKS):
            state.md.block.parse(state.src, state.md, state.env, state.tokens)
    except TooSlow:
        end = _forget_incomplete(state.tokens)
        rest = "\n".join(state.src.split("\n")[end:])
        state.tokens.append(Token("as_written", "", 0, content=rest, block=True))


def _forget_incomplete(tokens: list[Token]) -> int:
    """Cut the tokens off behind the last complete block of the text itself; return the number of the line after it."""
    count = end = depth = 0
    line = 0
    for place, token in enumerate(tokens, 1):
        if token.map and not depth:
            line = token.map[1]
        depth += token.nesting
        if not depth:
            count, end = place, line
    del tokens[count:]
    return end


def _inlines(state: StateCore) -> None:
    """Parse the text of each block; what takes too long stays as it is written."""
    deadline = of(state.env)
    is_over = False
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        try:
            if not is_over:
                with deadline.within(ONE_PARAGRAPH, TEXT):
                    state.md.inline.parse(token.content, state.md, state.env, token.children)
                continue
        except TooSlow:
            is_over = thread_time() > deadline.began + TEXT
        token.children = [Token("words_as_written", "", 0, content=token.content)]
