"""PowerPoint files (pptx): what stands on each slide, its tables, and what the speaker notes."""

from collections.abc import Iterator
from typing import Any

from .common import Found, outlined, table
from .xml import Parts, core_title

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
TITLES = {"title", "ctrTitle"}
DIAGRAM = "diagramData"


def read(data: bytes, kind: str) -> Found:
    parts = Parts(data)
    found = Found(kind, "slide", core_title(parts))
    slides = parts.related("ppt/presentation.xml")
    for each in parts.xml("ppt/presentation.xml").iter(f"{P}sldId"):
        _type, name = slides.get(each.get(f"{R}id", ""), ("", ""))
        if name in parts.names and not found.add("\n\n".join(_slide(parts, name))):
            break
    return outlined(found)


def _slide(parts: Parts, name: str) -> Iterator[str]:
    tree = parts.xml(name)
    for shape in tree.iter(f"{P}sp", f"{P}graphicFrame"):
        for rows in shape.iter(f"{A}tbl"):
            yield table([[_said(cell) for cell in each.findall(f"{A}tc")] for each in rows.findall(f"{A}tr")])
        body = shape.find(f"{P}txBody")
        said = _paragraphs(body) if body is not None else []
        mark = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
        if said and mark is not None and mark.get("type") in TITLES:
            yield f"## {' '.join(said)}"
        elif said:
            yield "\n".join(said)
    for kind, target in parts.related(name).values():
        if kind == "notesSlide" and target in parts.names:
            shapes = filter(_is_note, parts.xml(target).iter(f"{P}sp"))
            notes = [line for shape in shapes for line in _paragraphs(shape.find(f"{P}txBody"))]
            if notes:
                yield "Notes: " + "\n".join(notes)


def _is_note(shape: Any) -> bool:
    mark = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return mark is not None and mark.get("type") == "body"


def _paragraphs(body: Any) -> list[str]:
    return [said for each in (body.iter(f"{A}p") if body is not None else ()) if (said := _said(each))]


def _said(element: Any) -> str:
    return " ".join("".join((node.text or "") if node.tag == f"{A}t" else "\n" for node in element.iter(f"{A}t", f"{A}br")).split())
