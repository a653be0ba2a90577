"""Which reader a file has: by what is in it. Its name decides only among texts."""

import io
import re
import zipfile
from collections.abc import Callable
from importlib import import_module

from .common import RATIO, SMALL, UNPACKED, Found, Refused

Reader = Callable[[bytes], Found]

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAIL = re.compile(rb"\A(?:[A-Za-z][A-Za-z-]{1,40}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){2,}\r?\n")
MAIL_NAMES = re.compile(rb"^(?:from|received|return-path|mime-version|message-id|subject):", re.IGNORECASE | re.MULTILINE)
PAGE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
ZIPPED = {
    "word/document.xml": ("word", "docx"),
    "ppt/presentation.xml": ("slides", "pptx"),
    "xl/workbook.xml": ("sheets", "xlsx"),
    "xl/workbook.bin": ("sheets", "xlsx"),
}
NAMED = {
    b"application/epub+zip": ("epub", "epub"),
    b"application/vnd.oasis.opendocument.text": ("opendocument", "odt"),
    b"application/vnd.oasis.opendocument.presentation": ("opendocument", "odp"),
    b"application/vnd.oasis.opendocument.spreadsheet": ("sheets", "ods"),
}
BY_SUFFIX = {
    "csv": "csv", "tsv": "csv", "html": "html", "htm": "html", "xhtml": "html", "eml": "eml", "md": "markdown", "markdown": "markdown",
}  # fmt: skip
MODULES = {"csv": "sheets", "html": "page", "eml": "mail"}


def read(data: bytes, suffix: str) -> Found:
    """Raises Refused."""
    found = reader_of(data, suffix)(data)
    if not any(text.strip() for _label, text in found.pages):
        raise Refused("scanned" if found.kind == "pdf" and found.pages else "no_text")
    return found


def reader_of(data: bytes, suffix: str) -> Reader:
    """Return what reads it. Raises Refused."""
    head = data[:2048]
    if b"%PDF-" in head[:1024]:
        return _reader("pdf", "pdf")
    if head.startswith(b"PK\x03\x04"):
        return _reader(*_zipped(data))
    if head.startswith(OLE):
        return _old_office(data)
    if head.startswith(b"{\\rtf"):
        return _reader("rich", "rtf")
    wide = head[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if BINARY.search(head) and not wide:
        raise Refused("kind_unknown")
    kind = BY_SUFFIX.get(suffix.lower()) or _kind_of_text(data)
    return _reader(MODULES.get(kind, "plain"), kind)


def _kind_of_text(data: bytes) -> str:
    if PAGE.match(data[:2048]):
        return "html"
    return "eml" if MAIL.match(data[:20_000]) and MAIL_NAMES.search(data[:2048]) else "text"


def _reader(module: str, kind: str) -> Reader:
    found: Callable[[bytes, str], Found] = import_module(f".{module}", __package__).read
    return lambda data: found(data, kind)


def _zipped(data: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > 20_000 or sum(each.file_size for each in entries) > UNPACKED:  # noqa: PLR2004 - files in a document
                raise Refused("too_large")
            if any(each.file_size > SMALL and each.file_size > RATIO * max(1, each.compress_size) for each in entries):
                raise Refused("too_large")
            names = {each.filename for each in entries}
            if "mimetype" in names and (named := NAMED.get(archive.read("mimetype")[:100].strip())):
                if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
                    raise Refused("encrypted")
                return named
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
        raise Refused("unreadable") from None
    found = next((kind for name, kind in ZIPPED.items() if name in names), None)
    if found is None:
        raise Refused("kind_unknown")
    return found


def _old_office(data: bytes) -> Reader:
    """Old office files are read where they hold tables. New ones that are locked with a password come as such a file, too."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Refused("encrypted")
    if "WordDocument".encode("utf-16-le") in data or "PowerPoint Document".encode("utf-16-le") in data:
        raise Refused("old_office")
    return _reader("sheets", "xls")
