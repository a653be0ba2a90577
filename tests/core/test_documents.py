"""Files as text: of every kind that is taken, and what is said of those that cannot be read."""

import asyncio
import time

import pytest

from agentos.core import reading
from agentos.core.reading import documents
from tests.core import files

RTF = rb"{\rtf1\ansi{\b Orchard}\par The \'e4pfel are red.\par}"
HTML = (
    b"<!doctype html><title>Tides</title><nav>Home</nav><h1>Tides</h1><p>High at <b>noon</b>.</p>"
    b"<table><tr><th>Port<th>Time<tr><td>A<td>9</table>"
)
TABLE = "| Article | Price | From |\n| --- | --- | --- |\n| Lamp 1 | 10.5 | 2026-01-01 |"


async def read(data: bytes, name: str = "") -> tuple[reading.File, str]:
    found = await reading.file(data, name)
    return found, "\f".join(page.text for page in found.pages)


class TestKinds:
    @pytest.mark.parametrize(
        ("data", "name", "kind", "unit", "pages"),
        [
            (files.pdf(), "", "pdf", "page", ["1,240 degrees on page 1", "1,240 degrees on page 2"]),
            (files.word(), "", "docx", "page", ["# Quiet hours", "## Bicycles\n\nThey stand in the yard."]),
            (
                files.sheets(),
                "",
                "xlsx",
                "sheet",
                [TABLE, "without tax"],
            ),
            (files.slides(), "", "pptx", "slide", ["## Harvest\n\nFour tonnes of pears\n\nNotes: Thank the pickers", "## Outlook"]),
            (files.odt(), "", "odt", "page", ["# Bees\n\nSwarm  in May.\n\n- Two hives", "Honey in July."]),
            (files.epub(), "", "epub", "chapter", ["# One\n\nThe first lantern was green.", "# Two\n\nThe second was lost at sea."]),
            (files.mail(), "", "eml", "part", ["Subject: The boat\n\nIt leaks again.\n\nBring tar."]),
            (RTF, "", "rtf", "part", ["The äpfel are red."]),
            (HTML, "", "html", "part", ["# Tides\n\nHigh at noon.\n\n| Port | Time |\n| --- | --- |\n| A | 9 |"]),
            ("name;Größe\nÄpfel;3\n".encode("cp1252"), "list.csv", "csv", "part", ["| name | Größe |\n| --- | --- |\n| Äpfel | 3 |"]),
            (b"# Title\n\nWords.\n\n```\n# no heading\n\nx\n```\n", "a.md", "markdown", "part", ["# Title\n\nWords."]),
            ("Привет, мир".encode("utf-16"), "a.txt", "text", "part", ["Привет, мир"]),
        ],
        ids=["pdf", "docx", "xlsx", "pptx", "odt", "epub", "eml", "rtf", "html", "csv", "md", "txt"],
    )
    async def test_are_seen_by_what_is_in_them(self, data, name, kind, unit, pages):
        found = await reading.file(data, name or "named-wrongly.jpg")
        assert (found.kind, found.unit, len(found.pages)) == (kind, unit, len(pages))
        for page, said in zip(found.pages, pages, strict=True):
            assert said in page.text

    async def test_have_a_title_and_an_outline(self):
        found, _ = await read(files.pdf())
        assert found.title == "The kiln"
        assert [(each.level, each.title, each.page) for each in found.outline] == [(1, "Firing 1", 1), (1, "Firing 2", 2)]
        found, _ = await read(files.word())
        assert [(each.level, each.title, each.page) for each in found.outline][1:] == [(1, "Quiet hours", 1), (2, "Bicycles", 2)]

    async def test_rows_of_a_long_sheet_come_in_pieces_under_their_names(self):
        found, _ = await read(files.sheets(400))
        assert found.pages[1].text.startswith("| Article | Price | From |")
        first, second = found.pages[0].label, found.pages[1].label
        assert first.startswith("Prices, 2-")
        assert int(second.removeprefix("Prices, ").split("-")[0]) == int(first.split("-")[1]) + 1

    async def test_a_text_without_pages_is_cut_between_its_blocks(self):
        found, whole = await read("\n\n".join(f"# Part {n}\n\n{'word ' * 400}" for n in range(9)).encode(), "a.md")
        assert len(found.pages) > 2
        assert all(page.text.startswith("# Part") and len(page.text) <= 6_010 for page in found.pages)
        assert found.outline[-1].page == len(found.pages)
        assert whole.count("word") == 3_600


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (files.pdf(password="secret"), "encrypted"),
            (files.scan(), "scanned"),
            (b"%PDF-1.7\nnothing of the kind", "unreadable"),
            (files.pdf()[:400], "unreadable"),
            (files.word()[:3_000], "unreadable"),
            (b"PK\x03\x04 nonsense", "unreadable"),
            (files.zipped({"a.txt": "a zip of files"}), "kind_unknown"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "kind_unknown"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "old_office"),
            (b"", "no_text"),
            (b"  \n ", "no_text"),
        ],
    )
    async def test_with_a_sentence(self, data, code):
        with pytest.raises(reading.UnreadableFile) as refused:
            await reading.file(data)
        assert refused.value.code == code
        assert len(str(refused.value)) > 20

    @pytest.mark.parametrize("bomb", [files.swelling_word, files.swelling_pdf, files.laughing_word])
    async def test_bombs_do_not_go_off_here(self, bomb):
        began = time.monotonic()
        with pytest.raises(reading.UnreadableFile) as refused:
            await reading.file(bomb())
        assert refused.value.code in {"too_large", "timed_out", "no_text", "scanned"}
        assert time.monotonic() - began < documents.SECONDS + 10

    async def test_no_file_of_this_machine_is_read(self):
        _, text = await read(files.prying_word())
        assert "before" in text
        assert "root:" not in text

    async def test_a_page_nested_without_end_is_refused(self):
        with pytest.raises(reading.UnreadableFile) as refused:
            await reading.file(b"<html><body>" + b"<div>" * 200_000 + b"deep</body>", "a.html")
        assert refused.value.code in {"no_text", "too_large"}

    async def test_what_takes_too_long_is_ended(self, monkeypatch):
        monkeypatch.setattr(documents, "SECONDS", 0.01)
        with pytest.raises(reading.UnreadableFile) as refused:
            await reading.file(files.pdf())
        assert refused.value.code == "timed_out"

    async def test_the_loop_goes_on_beside_a_long_file(self):
        lag, task = 0.0, asyncio.create_task(reading.file(files.pdf(200, said="A line of words that says little. " * 60)))
        while not task.done():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            lag = max(lag, time.monotonic() - before - 0.005)
        found = await task
        assert len(found.pages) == 200
        assert lag < 0.1  # 0.02 on a quiet machine
