"""LaTeX to MathML, by latex2mathml; what it makes is checked here element by element, and cleaned again with the rest of the text."""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter

LIMIT = 2_000  # characters of one formula
KEPT = 2_000  # formulas that are remembered
DEPTH = 40  # braces in braces

# Macros can expand into any amount of text.
MACROS = re.compile(r"\\(?:def|let|newcommand|renewcommand|providecommand|newenvironment|DeclareMathOperator|csname)")
# What the library does not know, in the words that it does.
ENVIRONMENTS = {
    "aligned": "align*", "align": "align*", "eqnarray": "align*", "flalign": "align*", "split": "align*",
    "gathered": "matrix", "gather": "matrix", "multline": "matrix", "smallmatrix": "matrix", "dcases": "cases", "rcases": "cases",
}  # fmt: skip
OTHER_WORDS = (
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
    (re.compile(r"\\label\s?\{[^{}]*\}|\\(?:begin|end)\s?\{equation\*?\}"), ""),
    (re.compile(r"\\begin\s?\{alignat\*?\}\s?\{\d+\}"), r"\\begin{align*}"),
    (re.compile(r"\\end\s?\{alignat\*?\}"), r"\\end{align*}"),
)
ENVIRONMENT = re.compile(r"\\(begin|end)\s?\{([a-z]+)\*?\}")

CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "mroot": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
TAGS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msqrt", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose",
    *CHILDREN,
}  # fmt: skip
FLAG = re.compile(r"true|false")
LENGTH = re.compile(r"-?0(?:\.\d{1,4})?(?:em)?|\d(?:\.\d{1,4})?(?:em|ex)|\d{1,2}(?:\.\d{1,4})?(?:pt|px)")
WORD = re.compile(r"[a-z-]{1,20}")
ATTRIBUTES = {
    "accent": FLAG, "accentunder": FLAG, "display": WORD, "displaystyle": FLAG, "fence": FLAG, "form": WORD, "largeop": FLAG,
    "linethickness": LENGTH, "lspace": LENGTH, "mathvariant": WORD, "maxsize": LENGTH, "minsize": LENGTH, "movablelimits": FLAG,
    "notation": WORD, "rspace": LENGTH, "scriptlevel": re.compile(r"[0-3]"), "separator": FLAG, "stretchy": FLAG, "symmetric": FLAG,
    "width": LENGTH, "height": LENGTH, "depth": LENGTH,
}  # fmt: skip
ALIGNED = {"left", "right", "center"}


class Unreadable(ValueError):
    """It is no formula that the library knows whole."""


@lru_cache(KEPT)
def mathml(latex: str, *, is_block: bool) -> str | None:
    """Return a formula as a ``math`` element, None when it cannot be read: then it is to be shown as it is written."""
    if len(latex) > LIMIT or MACROS.search(latex) or _depth(latex) > DEPTH:
        return None
    source = ENVIRONMENT.sub(_known, latex)
    for pattern, words in OTHER_WORDS:
        source = pattern.sub(words, source)
    try:
        tree = _tree(source, is_block=is_block)
        if any(element.get("linebreak") for element in tree.iter()):  # rows without a table, which browsers put into one line
            rows = "align*" if "&" in source else "matrix"
            tree = _tree(rf"\begin{{{rows}}}{source}\end{{{rows}}}", is_block=is_block)
        _check(tree)
    except Exception:  # noqa: BLE001 - whatever the library raises at a text that it cannot read: there is a way out
        return None
    tree.set("alttext", latex)
    return tostring(tree, encoding="unicode", short_empty_elements=False)


def _known(found: re.Match[str]) -> str:
    return rf"\{found[1]}{{{ENVIRONMENTS[found[2]]}}}" if found[2] in ENVIRONMENTS else found[0]


def _depth(latex: str) -> int:
    """Return how deep braces, environments and the like stand in each other, at most."""
    depth = deepest = 0
    for sign in re.findall(r"[{}]|\\(?:begin|end|left|right|displaystyle|textstyle|sqrt|frac)", latex):
        depth += -1 if sign in {"}", "\\end", "\\right"} else sign in {"{", "\\begin", "\\left"}
        deepest = max(deepest, depth)
    return deepest


def _tree(latex: str, *, is_block: bool) -> Element:
    return Converter(display="block" if is_block else "inline").convert_to_element(latex)


def _check(tree: Element) -> None:
    """Leave what is known to be harmless. Raises Unreadable for what would show as something else than the formula."""
    for element in tree.iter():
        if element.tag not in TAGS or (element.tag in CHILDREN and len(element) != CHILDREN[element.tag]):
            raise Unreadable
        element.text = unescape(element.text or "")  # the library writes characters as entities, to be put into text as they are
        if element.tag in {"mi", "mo"} and (element.text.startswith("\\") or element.text == "&"):
            raise Unreadable
        kept = dict(_kept(element))
        element.attrib.clear()
        element.attrib.update(kept)


def _kept(element: Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value):
            yield name, value
        elif name == "columnalign" and value in ALIGNED:
            yield "class", value  # browsers leave alignment to style sheets
