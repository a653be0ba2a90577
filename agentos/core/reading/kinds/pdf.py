"""PDF, by pdfium."""

from typing import Any

import pypdfium2 as pdfium

from .common import PAGES, Found, Refused

SOFT = ("\ufffe\r\n", "\ufffe\n", "\x02\r\n", "\x02\n", "\ufffe", "\x02")  # how pdfium tells a hyphen at the end of a line


def read(data: bytes, kind: str) -> Found:
    try:
        file = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise Refused("encrypted" if "password" in str(error).lower() else "unreadable") from None
    found = Found(kind, "page", title=" ".join((file.get_metadata_value("Title") or "").split()))
    for number in range(min(len(file), PAGES)):
        if not found.add(_text(file[number])):
            break
    found.is_cut = found.is_cut or len(file) > PAGES
    found.outline = _outline(file, len(found.pages))
    return found


def _text(page: Any) -> str:
    text: str = page.get_textpage().get_text_bounded()
    for mark in SOFT:
        text = text.replace(mark, "")
    return text.replace("\r\n", "\n")


def _outline(file: Any, pages: int) -> list[tuple[int, str, int]]:
    outline = []
    try:
        for mark in file.get_toc(max_depth=6):
            target = mark.get_dest()
            index = target.get_index() if target else None
            title = " ".join((mark.get_title() or "").split())
            if title and index is not None and index < pages:
                outline.append((mark.level + 1, title, index + 1))
    except Exception:  # noqa: BLE001 - the text is worth having without its outline
        return outline
    return outline
