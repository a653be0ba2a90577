"""A chat as a file: all that is shown, nothing of others, and no line that a name could break."""

import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access.models import User
from agentos.chat import exporting
from agentos.chat.exporting import as_html, as_json, as_markdown, pages, pdf
from agentos.chat.exporting.pages import gathered
from agentos.chat.files import keep_made
from agentos.chat.models import Run
from agentos.files.keeping import keep_bytes
from tests.factories import RunFactory
from tests.files.made import picture
from tests.html import Page

pytestmark = pytest.mark.django_db

CALL = {"kind": "tool", "call_id": "c", "name": "web_search", "args": {"query": "tea"}, "status": "finished", "result": "R", "seconds": 0.1}
INNER = [{"kind": "text", "text": "Inner\nline"}]
PARTS: list[dict[str, Any]] = [
    {"kind": "reasoning", "text": "Hm."},
    {**CALL, "decided_by": 7},
    {"kind": "delegation", "call_id": "d", "by": "writer", "name": "Writer\n# Big", "task": "Write", "status": "finished", "parts": INNER},
    {"kind": "text", "text": "Green **tea**."},
]


@pytest.fixture
def run(owner: User) -> Run:
    run: Run = RunFactory(
        session__user=owner, session__title='Tea: "green"\u202e', input="Which?", parts=PARTS, answer="Green **tea**.", status="completed"
    )
    RunFactory(session=run.session, turn=1, input="Hidden words", is_hidden=True, status="completed")
    return run


class TestMarkdown:
    def test_reads_as_the_chat_was(self, run: Run) -> None:
        text = as_markdown(run.session)
        assert 'title: "Tea: \\"green\\""' in text
        assert f"## You, {run.created_at.isoformat(timespec='seconds')}\n\nWhich?" in text
        assert "> *Web search: finished*" in text
        assert "> **Writer # Big:** Write\n\n> Inner\n> line" in text
        assert text.endswith("Green **tea**.\n")
        assert "Hidden words" not in text
        assert "Hm." not in text


class TestJSON:
    def test_has_the_parts_and_nobodys_keys(self, run: Run) -> None:
        found = json.loads(as_json(run.session))
        assert (found["format"], found["version"], len(found["turns"])) == ("agentos-chat", 1, 1)
        (turn,) = found["turns"]
        assert (turn["message"], turn["answer"], turn["files"]) == ("Which?", "Green **tea**.", [])
        assert [part["kind"] for part in turn["parts"]] == ["reasoning", "tool", "delegation", "text"]
        assert "decided_by" not in json.dumps(found)
        assert turn["parts"][2]["parts"] == [{"kind": "text", "text": "Inner\nline"}]


SOURCE = {"n": 1, "document": 7, "title": "rules.pdf", "base": "House", "unit": "page", "page": 3, "heading": "Quiet", "start": 0, "end": 5}
SHOWN = {"kind": "sources", "sources": [{**SOURCE, "excerpt": "From <ten> on.", "url": ""}]}
ASKED = [
    {**CALL, "name": "search_knowledge", "shown": SHOWN},
    {"kind": "text", "text": "At ten [1]. <img src=x> ![x](https://x.example/y)"},
]


@pytest.fixture
def sourced(owner: User) -> Run:
    made: Run = RunFactory(session__user=owner, input="When? <b>", parts=ASKED, answer="At ten [1].", status="completed", model="m")
    keep_made(run=made, blob=keep_bytes(owner=owner, data=picture(), name="a.jpg"), name="a.jpg", origin="tool")
    return made


class TestSources:
    def test_are_in_every_form(self, sourced: Run) -> None:
        (turn,) = json.loads(as_json(sourced.session))["turns"]
        assert (turn["sources"][0]["title"], turn["sources"][0]["page"]) == ("rules.pdf", 3)
        assert "Sources:\n\n1. rules.pdf, page 3, Quiet\n" in as_markdown(sourced.session)
        shown = Page(as_html(gathered(sourced.session)))
        assert "Page 3" in shown.text("#turn-1-source-1")
        assert shown.one(".text a.cite")["href"] == "#turn-1-source-1"


class TestHTML:
    def test_is_one_file_that_fetches_nothing(self, run: Run, sourced: Run) -> None:
        shown = Page(as_html(gathered(sourced.session)))
        assert shown.one("meta[http-equiv]")["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        assert [image["src"][:23] for image in shown.all("img")] == ["data:image/webp;base64,"]
        assert not shown.all("script, link, iframe")
        assert ".message {" in shown.one("style").text
        assert "&" not in shown.one("style").text  # nothing of it was escaped
        assert shown.text(".message") == "When? <b>"
        whole = as_html(gathered(run.session))
        assert "Hidden words" not in whole
        assert Page(whole).text(".member").startswith("Writer # Big Write Inner")

    @pytest.mark.parametrize("left", [0, 10])
    def test_names_pictures_that_are_too_large(self, sourced: Run, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        monkeypatch.setattr(pages, "PICTURES", left)
        shown = Page(as_html(gathered(sourced.session)))
        assert not shown.all("img")
        assert "a.jpg" in shown.text(".files")

    def test_asks_no_more_for_many_turns(self, sourced: Run) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as asked:
                as_html(gathered(sourced.session))
            return len(asked)

        few = queries()
        for turn in range(2, 8):
            RunFactory(session=sourced.session, turn=turn, input="More", status="completed")
        assert queries() == few


class TestPDF:
    def test_has_the_text_and_the_picture(self, sourced: Run) -> None:
        data = async_to_sync(pdf.made)(as_html(gathered(sourced.session)))
        read = pypdfium2.PdfDocument(data)
        words = read[0].get_textpage().get_text_bounded()
        assert "At ten" in words
        assert "rules.pdf" in words

    def test_fetches_nothing(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret.svg"
        secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>SECRET</text></svg>')
        where = secret.as_uri()
        html = f'<link rel="stylesheet" href="file:///etc/passwd"><img src="{where}"><a rel="attachment" href="{where}">x</a>'
        assert b"SECRET" not in async_to_sync(pdf.made)(html)

    def test_says_how_to_get_it_where_it_is_missing(self, as_owner: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exporting, "can_make_pdf", lambda: False)
        answer = as_owner.get(f"/api/v1/agentos/sessions/{run.session.session_id}/export/?form=pdf")
        assert answer.status_code == 409
        assert "agentos-django[pdf]" in answer.json()["error"]


@pytest.mark.django_db(transaction=True)  # another thread asks the database
@pytest.mark.parametrize("form", ["md", "json", "html"])
def test_is_downloaded_by_its_owner_from_its_menu(as_owner: Client, as_stranger: Client, run: Run, form: str) -> None:
    path = reverse("dashboard:export", args=[run.session.session_id, form])
    assert path in as_owner.get(reverse("dashboard:manage", args=[run.session.session_id])).content.decode()
    answer = as_owner.get(path)
    same = f"/api/v1/agentos/sessions/{run.session.session_id}/export/?form={form}"
    assert as_owner.get(same).headers["Content-Type"] == answer.headers["Content-Type"]
    assert as_stranger.get(same).status_code == 404
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert ("Green <strong>tea</strong>." if form == "html" else "Green **tea**.") in answer.content.decode()
    assert as_owner.get(reverse("dashboard:export", args=[run.session.session_id, "exe"])).status_code == 404
