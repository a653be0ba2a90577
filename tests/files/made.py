"""Files that tests send: what people have, and what they should not be able to do."""

import io
import struct
import zipfile
import zlib
from io import BytesIO

from PIL import Image

from agentos.access.models import User
from agentos.api.file_resources import FILE_ID, UPLOAD_ID
from agentos.api.import_resources import EXPORT_ID
from agentos.files.actions import attach
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment, Upload
from agentos.files.uploading import begin, put_slice

GPS, ORIENTATION, TURNED_BY_90 = 0x8825, 0x0112, 6


def picture(form: str = "JPEG", size: tuple[int, int] = (400, 200), *, exif: bool = False) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 30, 200), (size[0] // 2, 0, *size))
    more: dict[str, object] = {}
    if exif:
        about = Image.Exif()
        about[ORIENTATION] = TURNED_BY_90
        about.get_ifd(GPS)[1] = "N"
        about[0x010E] = "taken at home"
        more["exif"] = about
    out = BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it has very many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def many_entries(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(count):
            made.writestr(str(number), b"")
    return out.getvalue()


def make_files(by: User) -> None:
    """What the examples of the API name: files that were not sent yet, and one on its way, whose first slice is here."""
    waiting = attach(by=by, blob=keep_bytes(owner=by, data=NOTES, name="notes.txt"), name="notes.txt")
    Attachment.objects.filter(pk=waiting.pk).update(file_id=FILE_ID)
    export = attach(by=by, blob=keep_bytes(owner=by, data=EXPORT, name="chats.json"), name="chats.json")
    Attachment.objects.filter(pk=export.pk).update(file_id=EXPORT_ID)
    coming = begin(by=by, name="notes.txt", size=None)
    put_slice(upload=coming, number=0, data=NOTES)
    Upload.objects.filter(pk=coming.pk).update(upload_id=UPLOAD_ID)


EXPORT = b'{"format": "agentos-chat", "version": 1, "session_id": "s", "turns": [{"message": "Hi", "answer": "Hello"}]}'
NOTES = b"Quiet hours begin at ten."
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PAGE = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
