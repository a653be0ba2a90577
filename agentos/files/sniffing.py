"""What a file is, by its bytes. What its sender and its name say has to agree: a page that is called a picture is not taken.

Taken is what people send to agents: pictures, sound, films, documents, archives, and any text. A text is what has no mark of another
type, reads as text and holds no NUL.
"""

import os
import struct
import zipfile
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext as _

from agentos.files.errors import NotTaken
from agentos.files.models import Kind
from agentos.files.names import ending_of

HEAD = 64 * 1024  # bytes that are looked at
ENTRIES = 2_000  # of an archive whose list is read
DIRECTORY = 1_000_000  # bytes of that list
TAIL = 22 + 65_535 + 20  # bytes at the end of an archive in which it says where its list is


@dataclass(frozen=True, slots=True)
class Sniffed:
    mime: str
    kind: Kind


OOXML = "application/vnd.openxmlformats-officedocument"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument"

TEXTS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".html": "text/html",
    ".htm": "text/html",
    ".xml": "application/xml",
    ".svg": "image/svg+xml",
    ".eml": "message/rfc822",
    ".ics": "text/calendar",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
SCRIPTS = (".js", ".mjs", ".hta", ".xhtml", ".xht", ".mht", ".mhtml", ".vbs", ".wsf", ".bat", ".cmd", ".ps1", ".sh", ".php", ".css", ".txt")
PLAIN = frozenset({"text/plain", *TEXTS.values()})

# By ending: types of which a file of that ending may be. Several where the bytes cannot tell, or people call one the other.
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic"})
OF_ENDINGS: dict[str, frozenset[str]] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".avif", ".heic", ".heif"), PICTURES),
    ".mp3": frozenset({"audio/mpeg"}),
    ".wav": frozenset({"audio/wav"}),
    **dict.fromkeys((".ogg", ".oga", ".opus"), frozenset({"audio/ogg"})),
    ".flac": frozenset({"audio/flac"}),
    **dict.fromkeys((".m4a", ".mp4", ".m4v", ".mov"), frozenset({"audio/mp4", "video/mp4"})),
    **dict.fromkeys((".webm", ".weba"), frozenset({"audio/webm", "video/webm"})),
    ".aac": frozenset({"audio/aac"}),
    ".pdf": frozenset({"application/pdf"}),
    ".docx": frozenset({f"{OOXML}.wordprocessingml.document"}),
    ".xlsx": frozenset({f"{OOXML}.spreadsheetml.sheet"}),
    ".pptx": frozenset({f"{OOXML}.presentationml.presentation"}),
    ".odt": frozenset({f"{OPEN_DOCUMENT}.text"}),
    ".ods": frozenset({f"{OPEN_DOCUMENT}.spreadsheet"}),
    ".odp": frozenset({f"{OPEN_DOCUMENT}.presentation"}),
    ".epub": frozenset({"application/epub+zip"}),
    ".rtf": frozenset({"application/rtf"}),
    ".zip": frozenset({"application/zip"}),
    # What a program of the machine opens and runs, or shows as a page: its bytes have to be the text that it says to be.
    **dict.fromkeys((*TEXTS, *SCRIPTS), PLAIN),
    # Kinds that are not taken, whatever they hold.
    **dict.fromkeys((".doc", ".xls", ".ppt", ".exe", ".dll", ".bmp", ".tif", ".tiff", ".ico", ".psd", ".jar", ".apk"), frozenset()),
}
BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}
HEIF = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})


def sniffed(file: IO[bytes], name: str) -> Sniffed:
    """Return what the bytes of a file are; it is at its beginning afterwards. Raises NotTaken."""
    file.seek(0)
    head = file.read(HEAD)
    mime = _by_magic(head) or _as_archive(file, head) or _as_text(head, name)
    file.seek(0)
    allowed = OF_ENDINGS.get(ending_of(name))
    if not mime:
        raise NotTaken(_("%(name)s cannot be taken: it is no picture, sound, film, document, archive or text.") % {"name": name})
    if allowed is not None and mime not in allowed:
        raise NotTaken(_("%(name)s cannot be taken: it is not what its name says.") % {"name": name} if allowed else _not_this(name))
    return Sniffed(mime, _kind_of(mime))


def _not_this(name: str) -> str:
    return _("%(name)s cannot be taken: files of this kind are not. Save it as another kind.") % {"name": name}


def _kind_of(mime: str) -> Kind:
    if mime in PICTURES:
        return Kind.PICTURE
    if mime == "application/zip":
        return Kind.ARCHIVE
    if mime in TEXTS.values() or mime == "text/plain":
        return Kind.TEXT
    return {"audio": Kind.AUDIO, "video": Kind.VIDEO}.get(mime.partition("/")[0], Kind.DOCUMENT)


def _by_magic(head: bytes) -> str:
    for magic, mime in (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"{\\rtf", "application/rtf"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
    ):
        if head.startswith(magic):
            return mime
    return _in_box(head) or _in_frames(head)


def _in_box(head: bytes) -> str:
    """Types that are named a few bytes in."""
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], "")
    if head[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in head[:64]:
        has_picture = any(codec in head for codec in (b"V_VP8", b"V_VP9", b"V_AV1"))
        return "video/webm" if has_picture else "audio/webm"
    if head[4:8] == b"ftyp":
        size = int.from_bytes(head[:4], "big")
        brands = {head[at : at + 4] for at in (8, *range(16, min(size, 200), 4))}
        known = next((BRANDS[brand] for brand in sorted(brands) if brand in BRANDS), "")
        if known or brands & HEIF:
            return known or "image/heic"
        return "audio/mp4" if b"soun" in head and b"vide" not in head else "video/mp4"  # what browsers record says it by its tracks alone
    return ""


def _in_frames(head: bytes) -> str:
    """Sound that begins at once: MPEG layer 3, and AAC in ADTS. Two bits of eleven tell it, so the rest of the header has to make sense."""
    if len(head) < 4 or head[0] != 0xFF:  # noqa: PLR2004
        return ""
    layer, bitrate, rate = (head[1] >> 1) & 3, head[2] >> 4, (head[2] >> 2) & 3
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004
        return "audio/aac"
    return "audio/mpeg" if head[1] & 0xE0 == 0xE0 and layer == 1 and bitrate not in {0, 15} and rate != 3 else ""  # noqa: PLR2004


def _as_archive(file: IO[bytes], head: bytes) -> str:
    """Types that are zips, by what is in them."""
    if head[:4] != b"PK\x03\x04":
        return ""
    if not _has_short_list(file):
        return "application/zip"
    try:
        with zipfile.ZipFile(file) as archive:
            names = {entry.filename for entry in archive.filelist}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    if head[30:38] == b"mimetype":
        said = head[38:100]
        of_open = {f"{OPEN_DOCUMENT}.{what}": f"{OPEN_DOCUMENT}.{what}" for what in ("spreadsheet", "presentation", "text")}
        for mime in (*of_open, "application/epub+zip"):
            if said.startswith(mime.encode()):
                return mime
    parts = {"word/document.xml": "wordprocessingml.document", "xl/workbook.xml": "spreadsheetml.sheet"}
    parts["ppt/presentation.xml"] = "presentationml.presentation"
    return next((f"{OOXML}.{what}" for part, what in parts.items() if part in names), "application/zip")


def _has_short_list(file: IO[bytes]) -> bool:
    """Whether the list of an archive may be read. All of it is kept in memory at once, ten times as large as it is in the file, so what
    says that it has a long one, or says it in the way of archives of more than four gigabytes, is not opened."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read(TAIL)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + len(b"....") * 5 > len(tail) or b"PK\x06\x07" in tail:
        return at < 0  # without an end it is none, as whoever opens it will find
    _, entries, length = struct.unpack("<HHI", tail[at + 8 : at + 16])
    return bool(entries <= ENTRIES and length <= DIRECTORY)


def _as_text(head: bytes, name: str) -> str:
    wide = head[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if b"\0" in head and not wide:
        return ""
    if wide:
        return TEXTS.get(ending_of(name), "text/plain")
    odd = sum(head.count(bytes((byte,))) for byte in (*range(9), 11, *range(14, 27), *range(28, 32), 127))
    if odd > len(head) // 100:
        return ""
    looks_like_page = head[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if looks_like_page.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if b"<svg" in looks_like_page:
        return "image/svg+xml"
    return TEXTS.get(ending_of(name), "text/plain")
