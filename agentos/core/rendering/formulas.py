r"""Formulas: ``\( \)`` and ``$ $`` in a sentence, ``\[ \]`` and ``$$ $$`` on lines of their own, and LaTeX's environments without any
of these. ``mathml`` draws them.

A ``$`` is money first: only what is clearly a formula is taken for one. One that begins a line may have blank lines, which LaTeX has not.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.utils import EnvType

from agentos.core.rendering import deadline
from agentos.core.rendering.mathml import mathml

PIPE = "\ufdd0"  # stands for a pipe in a table's row while it is parsed (``tables``)
CLOSERS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$", "$": "$"}
BLOCKS = ("\\[", "$$")
DOLLARS_LIMIT = 300  # characters between two single dollars
BLOCK_LIMIT = 4_000  # characters of one that begins a line
PLAIN_LIMIT = 60  # characters of a formula that has no sign of being one
BUDGET = 20_000  # characters of formulas in one text that are drawn

SIGN = re.compile(r"\\[A-Za-z,;:!]|[\^_={}<>≤≥≠≈≡∈∉⊂∑∏∫√∞→⇒±·×÷∂∇]")  # only formulas have it
LATEX = re.compile(r"[\\^_{}]")
ESCAPED = re.compile(r"\\(?=[%#&$])")
WORD = re.compile(r"(?:\A|\s)[^\W\d_]{2,}(?![^\s.,;:!?])")  # a word that stands by itself
PLAIN = re.compile(rf"[\w\s+\-*/.,;:!()\[\]|{PIPE}'′%°…&]+")
NAME = re.compile(r"[^\W\d_]{1,3}'{0,3}")
ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
UNFINISHED = tuple("-+*/,;:([\"'“‘.")  # a formula does not end so
ENVIRONMENT = re.compile(
    r"\\begin\{((?:equation|align|alignat|aligned|flalign|gather|gathered|multline|eqnarray|split|array|[dr]?cases|[pbBvV]?matrix|smallmatrix)\*?)\}"
)
TEXT = re.compile(r"\\(?:text\w*|mbox|mathrm|operatorname\*?)\{[^{}]*\}")
PROSE = re.compile(r"\b[^\W\d_]{2,}+(?:[ ,]+[^\W\d_]{2,}+){2}")  # three words: with a blank line before or behind, no formula
OPENED_AGAIN = re.compile(r"(?<!\\)\\\[")
ENDS_LINE = re.compile(r"[ \t.,;:!?。，；：]*$", re.MULTILINE)
# For ``unclosed``: code, which has no formulas, or a delimiter.
DELIMITERS = re.compile(r"`+[^`]*`+|\\\\|\\[()\[\]]|\$\$|\\(?:begin|end)\{[A-Za-z]{1,20}\*?\}")


class Formula(NamedTuple):
    """``start`` and ``end`` with the delimiters. ``opener``: "" for an environment, which is a part of its LaTeX."""

    start: int
    end: int
    opener: str
    latex: str


def is_formula(latex: str) -> bool:
    """Return whether what stands between delimiters is clearly a formula."""
    if SIGN.search(latex):
        is_amount = latex[0].isdigit() and not LATEX.search(latex) and WORD.search(latex)
        return not is_amount
    if len(latex) > PLAIN_LIMIT or not PLAIN.fullmatch(latex := ESCAPED.sub("", latex)):
        return False
    return NAME.fullmatch(latex.strip()) is not None or not WORD.search(latex)


def formula_at(src: str, position: int, end: int, closers: dict[str, int]) -> Formula | None:
    """Return the formula that begins at ``position``. ``closers`` keeps where the next ones are, so that a text is looked through once."""
    opener, closer = delimiters(src, position)
    if not opener or src.startswith("$$$", position):
        return None
    inside = position + len(opener)
    close = _closer(src, closer, inside, closers)
    if close < 0 or close + len(closer) > end:
        return None
    latex = src[inside:close]
    if not latex.strip() or "`" in latex or "~~~" in latex:
        return None
    if "\n\n" in latex and (PROSE.search(TEXT.sub("", latex)) or OPENED_AGAIN.search(latex)):
        return None
    if opener not in CLOSERS:
        is_table = "&" in latex or "\\\\" in latex
        return Formula(position, close + len(closer), "", src[position : close + len(closer)]) if is_table or SIGN.search(latex) else None
    found = Formula(position, close + len(closer), opener, latex)
    return found if _stands_right(src, found) and is_formula(latex) else None


def delimiters(src: str, position: int) -> tuple[str, str]:
    """Return what opens a formula at ``position`` and what ends it; two empty texts when nothing does."""
    for opener in (src[position : position + 2], src[position : position + 1]):
        if opener in CLOSERS:
            return opener, CLOSERS[opener]
    found = ENVIRONMENT.match(src, position)
    return (found[0], f"\\end{{{found[1]}}}") if found else ("", "")


def _closer(src: str, closer: str, start: int, closers: dict[str, int]) -> int:
    """Return where the next ``closer`` at or behind ``start`` is that no backslash takes away, -1 when there is none."""
    known = closers.get(closer, 0)
    if known < 0 or known >= start:
        return known
    place = src.find(closer, start)
    while place >= 0 and _is_escaped(src, place):
        place = src.find(closer, place + 1)
    closers[closer] = place
    return place


def _is_escaped(src: str, place: int) -> bool:
    before = place
    while before and src[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1


def _stands_right(src: str, found: Formula) -> bool:
    """Return whether the text round a formula allows it."""
    before, after = src[found.start - 1 : found.start], src[found.end : found.end + 1]
    if found.opener in BLOCKS:
        if after in {"(", "$"}:
            return False
        line_start = src.rfind("\n", 0, found.start) + 1
        is_alone = not src[line_start : found.start].strip() and ENDS_LINE.match(src, found.end) is not None
        return is_alone or SIGN.search(found.latex) is not None or (found.opener == "$$" and _is_tight(found.latex))
    if found.opener != "$":
        return True
    if len(found.latex) > DOLLARS_LIMIT or "\n" in found.latex:
        return False
    is_spaced = found.latex[0] == found.latex[-1] == " " and LATEX.search(found.latex) and not WORD.search(TEXT.sub("", found.latex))
    if _is_word(before) or before in {"$", "/", "\\"} or not (is_spaced or _is_tight(found.latex)):
        return False
    return not (_is_word(after) or after in {"$", "{", "/"}) or ORDINAL.match(src, found.end) is not None


def _is_tight(latex: str) -> bool:
    """Return whether nothing at its ends says that it is a piece of a sentence."""
    is_cut = latex[0].isspace() or latex[-1].isspace() or latex.endswith(UNFINISHED) or latex[0] in ",;:)"
    return not is_cut and (any(char.isalnum() for char in latex) or SIGN.search(latex) is not None)


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def spans(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the formulas of a line's part are."""
    closers: dict[str, int] = {}
    position = start
    while (position := _next_opener(line, position, end)) >= 0:
        found = formula_at(line, position, end, closers)
        if found:
            yield found.start, found.end
        position = found.end if found else position + 1 + (line[position] == "\\")


def _next_opener(line: str, start: int, end: int) -> int:
    places = [place for sign in ("$", "\\") if (place := line.find(sign, start, end)) >= 0]
    return min(places, default=-1)


def unclosed(text: str) -> int:
    """Return where a formula begins that has no end yet, -1 when there is none. A single dollar may be money and does not count."""
    opened, closer = -1, ""
    for found in DELIMITERS.finditer(text):
        sign = found[0]
        if opened >= 0:
            opened = -1 if sign == closer else opened
        elif (pair := delimiters(sign, 0))[0] == sign:
            opened, closer = found.start(), pair[1]
    return opened


def _inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    if state.src[state.pos] not in "\\$":
        return False
    found = formula_at(state.src, state.pos, state.posMax, state.closers)  # type: ignore[attr-defined]  # of emphasis.State
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.markup = found.latex, found.opener
    state.pos = found.end
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    """Keep the lines of a formula together, whatever else they look like: they are a paragraph, in which ``_inline`` finds it."""
    first = state.bMarks[start] + state.tShift[start]
    opener, closer = block_delimiters(state.src, first)
    if not opener or state.is_code_block(start):
        return False
    last = _last_line(state, start, end, first + len(opener), closer)
    if last < 0:
        return False
    words = state.getLines(start, last + 1, state.blkIndent, False).strip()
    if formula_at(words, 0, len(words), {}) is None:
        return False
    if not silent:
        state.line = last + 1
        state.push("paragraph_open", "p", 1).map = [start, state.line]
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = words, [start, state.line], []
        state.push("paragraph_close", "p", -1)
    return True


def block_delimiters(src: str, position: int) -> tuple[str, str]:
    """Return the ``delimiters`` of a formula that may have lines of its own."""
    opener, closer = delimiters(src, position) if src[position : position + 1] in {"$", "\\"} else ("", "")
    return (opener, closer) if opener in BLOCKS or opener not in CLOSERS else ("", "")


def _last_line(state: StateBlock, start: int, end: int, inside: int, closer: str) -> int:
    """Return the line in which a formula ends, -1 when the end of what is round it comes first, or it is too long."""
    known: dict[str, tuple[int, int]] = state.env.setdefault("closers", {})  # from where it was looked for, and where it is
    since, place = known.get(closer, (inside + 1, -1))
    if since > inside or 0 <= place < inside:
        place = _closer(state.src, closer, inside, {})
        known[closer] = inside, place
    if not 0 <= place - inside <= BLOCK_LIMIT:
        return -1
    for line in range(start, end):
        if line > start and not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return -1
        if place < state.eMarks[line]:
            return line
    return -1


def draw(latex: str, opener: str, env: EnvType) -> str:
    """Return the HTML of a formula: as it is written when it cannot be read, or the text has too many."""
    env["formulas"] = env.get("formulas", 0) + len(latex)
    is_block = opener in BLOCKS or not opener
    drawn = mathml(latex.strip(), is_block=is_block) if env["formulas"] <= BUDGET and deadline.of(env).has_time() else None
    if drawn is None:
        return f'<span class="latex">{escape(opener + latex + CLOSERS.get(opener, ""))}</span>'
    return f'<span class="formula" tabindex="0" role="group" aria-label="Formula">{drawn}</span>' if is_block else drawn


def install(markdown: MarkdownIt) -> None:
    markdown.inline.ruler.before("escape", "formula", _inline)
    markdown.block.ruler.before("table", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
