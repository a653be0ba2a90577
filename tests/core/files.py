"""Files of many kinds as their programs write them, and some that nobody should be sent."""

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any

import docx
import openpyxl
from docx.enum.text import WD_BREAK
from fpdf import FPDF
from PIL import Image
from pptx import Presentation

ODT = (
    '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"><office:body>{}</office:body></office:document-content>'
)
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
OPF = (
    '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<metadata><dc:title>Two lanterns</dc:title></metadata>"
    '<manifest><item id="b" href="text/b.xhtml"/><item id="a" href="text/a.xhtml"/></manifest>'
    '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
)


def saved(save: Callable[[io.BytesIO], Any]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)

    return saved(write)


def pdf(pages: int = 2, *, password: str = "", said: str = "The kiln is fired at 1,240 degrees on page {}.") -> bytes:
    file = FPDF()
    file.set_title("The kiln")
    if password:
        file.set_encryption(owner_password="owner", user_password=password)
    file.set_font("helvetica", size=11)
    for number in range(1, pages + 1):
        file.add_page()
        file.start_section(f"Firing {number}")
        file.multi_cell(0, 6, said.format(number))
    return bytes(file.output())


def scan() -> bytes:
    return saved(lambda file: Image.new("RGB", (200, 300), "white").save(file, "PDF"))


def word(*, breaks: bool = True) -> bytes:
    file = docx.Document()
    file.core_properties.title = "Rules of the house"
    file.add_heading("Rules of the house", 0)
    file.add_heading("Quiet hours", 1)
    file.add_paragraph("From ten at night nobody plays the trombone.")
    file.add_paragraph("Nor the drums.", style="List Bullet")
    table = file.add_table(rows=2, cols=2)
    for place, said in zip(((0, 0), (0, 1), (1, 0), (1, 1)), ("Day", "Until", "Sunday", "21:00"), strict=True):
        table.cell(*place).text = said
    if breaks:
        file.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    file.add_heading("Bicycles", 2)
    file.add_paragraph("They stand in the yard.")
    return saved(file.save)


def sheets(rows: int = 3) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Prices"
    sheet.append(["Article", "Price", "From"])
    for number in range(1, rows + 1):
        sheet.append([f"Lamp {number}", number * 10.5, "2026-01-01"])
    book.create_sheet("Notes").append(["All prices are without tax."])
    return saved(book.save)


def slides() -> bytes:
    show = Presentation()
    for title, said, note in (("Harvest", "Four tonnes of pears", "Thank the pickers"), ("Outlook", "More plums", "")):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = said
        if note:
            slide.notes_slide.notes_text_frame.text = note
    return saved(show.save)


def odt() -> bytes:
    body = (
        '<office:text><text:h text:outline-level="1">Bees</text:h><text:p>Swarm<text:s text:c="2"/>in May.</text:p>'
        "<text:list><text:list-item><text:p>Two hives</text:p></text:list-item></text:list>"
        "<text:p><text:soft-page-break/>Honey in <text:span>July</text:span>.</text:p></office:text>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": ODT.format(body)})


def epub() -> bytes:
    chapter = '<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>{}</h1><p>{}</p></body></html>'
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/book.opf": OPF,
            "OEBPS/text/a.xhtml": chapter.format("One", "The first lantern was green."),
            "OEBPS/text/b.xhtml": chapter.format("Two", "The second was lost at sea."),
        }
    )


def mail() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ida@example.org", "otto@example.org", "The boat"
    message.set_content("It leaks again.\n\nBring tar.")
    message.add_alternative("<p>It <b>leaks</b> again.</p>", subtype="html")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="bill.pdf")
    return bytes(message)


def swelling_word() -> bytes:
    """A small zip with 250 MB of XML in it."""
    return zipped({"word/document.xml": b"<w>" + b" " * 250_000_000 + b"</w>"})


def laughing_word() -> bytes:
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE d [<!ENTITY a0 "ha">{names}]><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    return zipped({"word/document.xml": body + "<w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p></w:body></w:document>"})


def prying_word() -> bytes:
    """It asks for a file of this machine."""
    body = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    return zipped({"word/document.xml": body + "<w:body><w:p><w:r><w:t>before &x; after</w:t></w:r></w:p></w:body></w:document>"})


def swelling_pdf() -> bytes:
    """A page whose content unpacks to half a gigabyte."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(b"q " * 5_000_000) for _ in range(50)) + packer.flush()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n" % len(packed) + packed + b"\nendstream",
    ]
    body = b"%PDF-1.4\n"
    for number, said in enumerate(objects, start=1):
        body += b"%d 0 obj\n" % number + said + b"\nendobj\n"
    return body + b"trailer<</Root 1 0 R/Size 5>>\n%%EOF"
