"""Texts and presentations of LibreOffice (odt, odp)."""

from collections.abc import Iterator
from typing import Any

from .common import Found, in_parts, outlined, table
from .xml import Parts

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
BREAK = "\f"
LEFT_OUT = {f"{TEXT}tracked-changes", f"{OFFICE}annotation", f"{TEXT}note"}
MOST_BLANKS = 100


def read(data: bytes, kind: str) -> Found:
    parts = Parts(data)
    about = parts.maybe("meta.xml")
    title = " ".join((about.findtext(f".//{DC}title") or "").split()) if about is not None else ""
    body = parts.xml("content.xml").find(f"{OFFICE}body")
    pages = list(body.iter(f"{DRAW}page")) if body is not None else []
    if kind == "odp":
        found = Found(kind, "slide", title)
        for page in pages:
            if not found.add("\n\n".join(_blocks(page))):
                break
        return outlined(found)
    blocks = list(_blocks(body)) if body is not None else []
    if not any(BREAK in block for block in blocks):
        return in_parts(Found(kind, "part", title), blocks)
    found = Found(kind, "page", title)
    for text in "\n\n".join(blocks).split(BREAK):
        if not found.add(text):
            break
    return outlined(found)


def _blocks(element: Any) -> Iterator[str]:
    waiting = list(reversed(element))
    while waiting:
        node = waiting.pop()
        if node.tag in {f"{TEXT}h", f"{TEXT}p"}:
            yield from _paragraph(node)
        elif node.tag == f"{TABLE}table":
            rows = [[_said(cell) for cell in each.findall(f"{TABLE}table-cell")] for each in node.iter(f"{TABLE}table-row")]
            yield from filter(None, [table(rows)])
        elif node.tag == f"{TEXT}soft-page-break":
            yield BREAK
        elif node.tag not in LEFT_OUT:
            waiting += reversed(node)


def _paragraph(node: Any) -> Iterator[str]:
    said = _said(node).strip(" \n")
    if not said:
        return
    if node.tag == f"{TEXT}h":
        level = node.get(f"{TEXT}outline-level", "1")
        start = BREAK if BREAK in said else ""
        yield f"{start}{'#' * min(6, int(level) if level.isdigit() else 1)} {' '.join(said.split())}"
    else:
        yield f"- {said}" if node.getparent().tag == f"{TEXT}list-item" else said


def _said(element: Any) -> str:
    said = [element.text or ""]
    waiting = [(child, False) for child in reversed(element)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            said.append(node.tail or "")
            continue
        waiting.append((node, True))
        if node.tag in LEFT_OUT:
            continue
        if node.tag == f"{TEXT}s":
            count = node.get(f"{TEXT}c", "1")
            said.append(" " * min(int(count) if count.isdigit() else 1, MOST_BLANKS))
        elif node.tag == f"{TEXT}soft-page-break":
            said.append(BREAK)
        else:
            said.append({f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}.get(node.tag, node.text or ""))
            waiting += [(child, False) for child in reversed(node)]
    return "".join(said)
