"""Files that are two things at once, or are far more than they look like."""

import struct
import zlib
from io import BytesIO

from PIL import Image, PngImagePlugin

from tests.core import files
from tests.files import made

SCRIPT = b"<script>alert('mark')</script>"
MARK = b"alert('mark')"
PRYING = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'


def with_comment(form: str) -> bytes:
    """A picture in whose metadata a page stands."""
    image, out = Image.new("RGB", (40, 30), (9, 90, 200)), BytesIO()
    if form == "PNG":
        about = PngImagePlugin.PngInfo()
        about.add_text("Comment", SCRIPT.decode())
        about.add_itxt("XML:com.adobe.xmp", SCRIPT.decode())
        image.save(out, form, pnginfo=about, icc_profile=SCRIPT)
    elif form == "GIF":
        image.save(out, form, comment=b"*/=1;" + MARK + b";/*")
    else:
        image.save(out, form, comment=SCRIPT, xmp=SCRIPT, icc_profile=SCRIPT)
    return out.getvalue()


def gif_of_frames(count: int, side: int) -> bytes:
    frames = [Image.new("P", (side, side), number % 200) for number in range(count)]
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], optimize=False, duration=10)
    return out.getvalue()


def png_with_long_text(megabytes: int) -> bytes:
    """A small PNG whose text unpacks to very much."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    whole = made.picture("PNG", (20, 20))
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
    return whole[:33] + chunk(b"zTXt", b"Comment\0\0" + packed) + whole[33:]


def zip_with_long_list(entries: int) -> bytes:
    """A zip whose list has more entries than there is room for in memory; of a file for each there is nothing."""
    entry = b"PK\x01\x02" + b"\0" * 24 + struct.pack("<H", 1) + b"\0" * 16 + b"a"
    whole = made.archive(a=b"x")
    end = struct.pack("<HHIIH", 65_535, 65_535, len(entry) * entries, len(whole), 0)
    return whole + entry * entries + b"PK\x05\x06" + b"\0" * 4 + end


def laughing(part: str, mime: str = "") -> bytes:
    """An office file of any kind whose XML is a billion laughs."""
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a0 "ha">{names}]><d>&a9;</d>'
    return files.zipped({**({"mimetype": mime} if mime else {}), part: body})


# name, bytes. None of these is kept.
REFUSED = {
    "a GIF that is a script": ("photo.gif", b"GIF89a/*" + b"\0" * 30 + b"*/=1;" + MARK),
    "a script that begins as a GIF": ("jquery.js", b"GIF89a/*" + b"\0" * 30 + b"*/=1;" + MARK),
    "a PDF that is called a page": ("page.html", b"%PDF-1.4\n" + SCRIPT),
    "a zip that is called a page": ("page.htm", made.archive(a=SCRIPT)),
    "a picture that is called a page": ("page.xhtml", made.picture("PNG") + SCRIPT),
    "a film that is called a drawing": ("drawing.svg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + made.SVG),
    "sound that is called an application": ("start.hta", b"ID3\x04" + SCRIPT),
    "a page that is called a PDF": ("report.pdf", made.PAGE + b"%PDF-1.4"),
    "a page that is called a picture": ("photo.png", made.PAGE),
    "a page behind a comment": ("photo.jpg", b"<!-- nothing to see -->\n" + made.PAGE),
    "a page behind a byte order mark": ("photo.webp", b"\xef\xbb\xbf \r\n" + made.PAGE),
    "a page in wide letters": ("photo.png", "<html><script>alert(1)</script>".encode("utf-16")),
    "a page behind the mark of a JPEG": ("photo.jpg", b"\xff\xd8\xff\xe0" + made.PAGE),
    "a page behind the mark of a PNG": ("photo.png", b"\x89PNG\r\n\x1a\n" + made.PAGE),
    "a drawing that is called a picture": ("drawing.png", made.SVG),
    "a drawing with a head": ("drawing.gif", b'<?xml version="1.0"?><!-- x --><svg onload="alert(1)"/>'),
    "a zip behind a picture": ("files.zip", made.picture("JPEG") + made.archive(a=b"x")),
    "a playlist that is called sound": ("song.mp3", made.PLAYLIST),
    "a list of files that is called a film": ("film.webm", b"ffconcat version 1.0\nfile /etc/passwd\n"),
    "a document that is a zip": ("letter.docx", made.archive(a=b"x")),
    "a document of too many parts": ("letter.docx", made.many_entries(3_000)),
    "a sheet that is a document": ("table.xlsx", made.archive(**{"word/document.xml": b"x"})),
    "a program": ("setup", b"MZ\x90\0" + b"\0" * 200),
    "a program of another machine": ("tool", b"\x7fELF\x02\x01\x01" + b"\0" * 200),
    "an archive of a program": ("tool.jar", made.archive(a=b"x")),
    "a PNG with half a gigabyte of text": ("photo.png", png_with_long_text(500)),
    "a picture of 900 million pixels": ("large.png", made.bomb(30_000, 30_000)),
    "a picture of 65,000 by 65,000": ("large.png", made.bomb(65_000, 65_000)),
}

# name, bytes, type that it is given back with. All but pictures are downloads; of pictures nothing but the picture is left.
HARMLESS = {
    "a picture with a page behind it": ("photo.jpg", made.picture("JPEG") + SCRIPT, "image/jpeg"),
    "a picture with a zip behind it": ("photo.jpg", made.picture("JPEG") + made.archive(a=SCRIPT), "image/jpeg"),
    "a PNG with a page in its texts": ("photo.png", with_comment("PNG"), "image/png"),
    "a JPEG with a page in its comment": ("photo.jpg", with_comment("JPEG"), "image/jpeg"),
    "a GIF with a script in its comment": ("photo.gif", with_comment("GIF"), "image/"),
    "a PDF that is a page": ("report.pdf", b"%PDF-1.4\n" + SCRIPT, "application/pdf"),
    "sound that is a page": ("song.mp3", b"ID3\x04\0\0" + SCRIPT, "audio/mpeg"),
    "a film that is a page": ("film.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + SCRIPT, "video/mp4"),
    "a zip that is a page": ("files.zip", made.archive(**{"a.html": SCRIPT}) + made.PAGE, "application/octet-stream"),
    "a page": ("page.html", made.PAGE, "application/octet-stream"),
    "a page without an ending": ("page", made.PAGE, "application/octet-stream"),
    "a page that is called a table": ("table.csv", made.PAGE, "application/octet-stream"),
    "a drawing": ("drawing.svg", made.SVG, "application/octet-stream"),
    "a mail with a page": ("letter.eml", b"Content-Type: text/html\n\n" + SCRIPT, "application/octet-stream"),
    "a text with a page in it": ("notes.txt", b"Look: " + SCRIPT, "text/plain; charset=utf-8"),
    "a text that is unpacked by nobody": ("notes.xml", PRYING, "application/octet-stream"),
    "an archive with a long list": ("files.zip", zip_with_long_list(400_000), "application/octet-stream"),
    "an archive with paths out of it": ("files.zip", made.archive(**{"..__..__etc__cron.d__x": b"x"}), "application/octet-stream"),
}

# Office files that go off in whoever opens them: kept as they are, and read in a process with little memory and time.
BOMBS = {
    "a document that swells": ("letter.docx", files.swelling_word),
    "a document that laughs": ("letter.docx", files.laughing_word),
    "a PDF that swells": ("report.pdf", files.swelling_pdf),
    "a sheet that laughs": ("table.xlsx", lambda: laughing("xl/workbook.xml")),
    "slides that laugh": ("talk.pptx", lambda: laughing("ppt/presentation.xml")),
    "an ODT that laughs": ("letter.odt", lambda: laughing("content.xml", "application/vnd.oasis.opendocument.text")),
    "a book that laughs": ("book.epub", lambda: laughing("META-INF/container.xml", "application/epub+zip")),
}
