"""HTML as Markdown: headings, paragraphs, lists and tables, without what stands round them on a page of the web."""

from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from .common import table

LEVELS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = {
    *LEVELS, "p", "div", "section", "article", "main", "body", "blockquote", "ul", "ol", "li", "dl", "dd", "dt", "figure", "figcaption",
    "address", "header", "details", "summary", "center", "fieldset", "form", "hr", "pre", "table", "tr", "td", "th", "tbody", "thead",
    "tfoot", "caption",
}  # fmt: skip
LEFT_OUT = {
    "script", "style", "nav", "template", "noscript", "iframe", "svg", "head", "button", "select", "textarea", "object", "footer", "aside",
}  # fmt: skip


def tree_of(data: bytes | str) -> Any:
    """Return the parsed page; None for one without anything."""
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        return html.document_fromstring(data, parser=parser)
    except (etree.ParserError, ValueError):
        return None


def title_of(tree: Any) -> str:
    return " ".join((tree.findtext(".//title") or "").split())


def blocks(tree: Any) -> list[str]:
    """Return its blocks, in Markdown."""
    walk = _Walk()
    for event, node in etree.iterwalk(tree, events=("start", "end")):
        if walk.inside is None and event == "start":
            walk.begin(node)
        elif walk.inside is None:
            walk.end(node)
        elif event == "end" and node is walk.inside:
            walk.inside = None
            walk.said.append(node.tail or "")
    walk.close()
    return walk.blocks


class _Walk:
    """``inside``: the element that is done as a whole, or left out."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.said: list[str] = []
        self.prefix = ""
        self.is_kept = False  # blanks and line ends say something
        self.inside: Any = None

    def begin(self, node: Any) -> None:
        name = node.tag if isinstance(node.tag, str) else ""
        if not name or name in LEFT_OUT:
            self.inside = node
            return
        if name == "table" and next(node.iterdescendants("table"), None) is None:
            self.close()
            self.inside = node
            self.blocks += filter(None, [table(list(_rows(node)))])
            return
        if name in BLOCKS:
            self.close()
            self.prefix = "#" * LEVELS[name] + " " if name in LEVELS else "- " if name == "li" else self.prefix
            self.is_kept = name == "pre"
        self.said.append(("\n" if self.is_kept else " ") if name == "br" else node.text or "")

    def end(self, node: Any) -> None:
        if node.tag in BLOCKS:
            self.close()
            self.is_kept = False
        self.said.append(node.tail or "")

    def close(self) -> None:
        """The block ends here."""
        text = "".join(self.said)
        self.said.clear()
        if not self.is_kept:
            text = " ".join(text.split())
        if text.strip():
            self.blocks.append(f"{self.prefix}{text.strip()}")
            self.prefix = ""


def _rows(element: Any) -> Iterator[list[str]]:
    for each in element.iter("tr"):
        yield [" ".join(cell.itertext()) for cell in each if cell.tag in {"td", "th"}]
