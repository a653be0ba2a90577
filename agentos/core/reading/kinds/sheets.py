"""Tables: xlsx, xls and ods by calamine, csv by Python. A sheet is cut into pieces of some rows, each under the row of its names."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from .common import ROWS, Found, Refused, decoded, row

PIECE = 3_000  # characters
COLUMNS = 200
LONGEST = 131_072  # characters of a field


def read(data: bytes, kind: str) -> Found:
    return _csv(data, kind) if kind == "csv" else _workbook(data, kind)


def _workbook(data: bytes, kind: str) -> Found:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError  # noqa: PLC0415 - csv needs it not

    found, rows = Found(kind, "sheet"), 0
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in book.sheet_names:
            lines = book.get_sheet_by_name(name).to_python(skip_empty_area=True, nrows=ROWS - rows)
            rows += len(lines)
            if not _add(found, name, ([_shown(cell) for cell in line[:COLUMNS]] for line in lines)) or rows >= ROWS:
                found.is_cut = True
                break
    except PasswordError:
        raise Refused("encrypted") from None
    except CalamineError:
        raise Refused("unreadable") from None
    return found


def _csv(data: bytes, kind: str) -> Found:
    text = decoded(data)
    csv.field_size_limit(LONGEST)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    found = Found(kind, "part")
    lines = (line[:COLUMNS] for line in islice(csv.reader(io.StringIO(text, newline=""), dialect), ROWS))
    try:
        _add(found, "", lines)
    except csv.Error:
        raise Refused("unreadable") from None
    return found


def _add(found: Found, sheet: str, lines: Iterable[list[str]]) -> bool:
    """Add the rows of a sheet; return whether there is room for more."""
    return all(found.add(text, f"{sheet}, {rows}" if sheet else rows) for rows, text in _pieces(lines))


def _pieces(lines: Iterable[list[str]]) -> Iterator[tuple[str, str]]:
    """Give pieces of a table: the numbers of its first and last row, as 2-40, and its text."""
    head: list[str] | None = None
    kept: list[str] = []
    size, first, number = 0, 1, 0
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if head is None:
            head, first = [row(cells), "|" + " --- |" * len(cells)], number + 1
            continue
        line = row(cells)
        if kept and size + len(line) > PIECE:
            yield f"{first}-{number - 1}", "\n".join([*head, *kept])
            kept, size, first = [], 0, number
        kept.append(line)
        size += len(line) + 1
    if kept or head:
        yield f"{min(first, number)}-{number}", "\n".join([*(head or ()), *kept])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - beyond it a float skips whole numbers
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if not value.second else "seconds").removesuffix(" 00:00")
    return str(value)
