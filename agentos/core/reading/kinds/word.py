"""Word files (docx): paragraphs, lists and tables in their order. Pages are where Word has last put them, where it says so."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .common import Found, in_parts, outlined, table
from .xml import Parts, core_title

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
LEVEL = re.compile(r"heading (\d)", re.IGNORECASE)
BREAK = "\f"  # of a page, in the text of a paragraph
NOT_SAID = {f"{W}del", f"{W}instrText", f"{W}delText"}
MOST_PARAGRAPHS = 300_000


def read(data: bytes, kind: str) -> Found:
    parts = Parts(data)
    body = parts.xml("word/document.xml").find(f"{W}body")
    levels = _levels(parts)
    blocks = list(_blocks(body if body is not None else (), levels))
    title = core_title(parts)
    if not any(BREAK in block for block in blocks):
        return in_parts(Found(kind, "part", title), blocks)
    found = Found(kind, "page", title)
    for page in "\n\n".join(blocks).split(BREAK):
        if not found.add(page):
            break
    return outlined(found)


def _levels(parts: Parts) -> dict[str, int]:
    """Return by its id how deep the heading of a style is; 1 for the title."""
    tree = parts.maybe("word/styles.xml")
    levels: dict[str, int] = {}
    for style in tree.iter(f"{W}style") if tree is not None else ():
        name = style.find(f"{W}name")
        said = (name.get(f"{W}val") or "").lower() if name is not None else ""
        deep = style.find(f"{W}pPr/{W}outlineLvl")
        if match := LEVEL.fullmatch(said):
            levels[style.get(f"{W}styleId", "")] = min(6, int(match[1]))
        elif said == "title":
            levels[style.get(f"{W}styleId", "")] = 1
        elif deep is not None and (deep.get(f"{W}val") or "").isdigit():
            levels[style.get(f"{W}styleId", "")] = min(6, int(deep.get(f"{W}val")) + 1)
    return levels


def _blocks(body: Iterable[Any], levels: dict[str, int]) -> Iterator[str]:
    for element in body:
        if element.tag == f"{W}p":
            yield from _paragraph(element, levels)
        elif element.tag == f"{W}tbl":
            if said := table(_rows(element)):
                yield said
        elif element.tag == f"{W}sdt":  # a control, with what it holds
            content = element.find(f"{W}sdtContent")
            yield from _blocks(content if content is not None else (), levels)


def _paragraph(element: Any, levels: dict[str, int]) -> Iterator[str]:
    text = _text(element).strip(" \t\n")
    if not text:
        return
    style = element.find(f"{W}pPr/{W}pStyle")
    level = levels.get(style.get(f"{W}val", ""), 0) if style is not None else 0
    if level:
        before, said = (BREAK, text.replace(BREAK, " ")) if BREAK in text else ("", text)
        if said.strip():
            yield f"{before}{'#' * level} {' '.join(said.split())}"
            return
    is_item = element.find(f"{W}pPr/{W}numPr") is not None
    yield f"- {text}" if is_item and not text.startswith(BREAK) else text


def _rows(element: Any) -> list[list[str]]:
    rows = []
    for each in element.iter(f"{W}tr"):
        rows.append([" ".join(_text(p) for p in cell.iter(f"{W}p")).replace(BREAK, " ") for cell in each.findall(f"{W}tc")])
        if len(rows) >= MOST_PARAGRAPHS:
            break
    return rows


def _text(paragraph: Any) -> str:
    said: list[str] = []
    for node in paragraph.iter():
        if node.tag == f"{W}t" and not any(above.tag in NOT_SAID for above in node.iterancestors(f"{W}del")):
            said.append(node.text or "")
        elif node.tag == f"{W}tab":
            said.append("\t")
        elif node.tag == f"{W}lastRenderedPageBreak" or (node.tag == f"{W}br" and node.get(f"{W}type") == "page"):
            if not said or said[-1] != BREAK:  # Word notes a break that somebody made twice
                said.append(BREAK)
        elif node.tag in {f"{W}br", f"{W}cr"}:
            said.append("\n")
    return "".join(said)
