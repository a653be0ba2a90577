"""Files of chats on pages: how they come in, where they wait, and how they are given back."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.chat import actions
from agentos.chat.files import attachment_for, keep_made, pending, place_of
from agentos.chat.models import ChatSession, Run
from agentos.files import storage
from agentos.files.actions import attach
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment, Upload
from tests.dashboard.asking import post
from tests.files import made
from tests.html import page

pytestmark = pytest.mark.django_db

LONG = bytes(range(256)) * 4000


@pytest.fixture
def waiting(member: User, session: ChatSession) -> Attachment:
    blob = keep_bytes(owner=member, data=b"what we found", name="report.txt")
    return attach(by=member, blob=blob, name="report.txt", place=place_of(session=session))


def sent(member: User, session: ChatSession, data: bytes, name: str) -> Attachment:
    file = attach(by=member, blob=keep_bytes(owner=member, data=data, name=name), name=name, place=session.session_id)
    actions.send_message(by=member, text="Look", session=session, files=[file.file_id])
    return file


def body(response: Any) -> bytes:
    return b"".join(response) if response.streaming else bytes(response.content)


def address(file: Attachment, what: str = "attachment") -> str:
    return reverse(f"dashboard:{what}", args=[file.file_id])


class TestGivenBack:
    def test_whole_or_in_parts(self, as_member: Client, member: User, session: ChatSession) -> None:
        url = address(sent(member, session, b"%PDF-" + LONG, "a.pdf"))
        data = b"%PDF-" + LONG
        whole = as_member.get(url)
        assert (whole.status_code, body(whole), whole["Content-Type"]) == (200, data, "application/pdf")
        size = len(data)
        for asked, start, end in (
            ("bytes=0-", 0, size),
            ("bytes=5-9", 5, 10),
            (f"bytes={size - 3}-{size + 9}", size - 3, size),
            ("bytes=-4", size - 4, size),
            (f"bytes=-{size + 5}", 0, size),
        ):
            part = data[start:end]
            answer = as_member.get(url, headers={"Range": asked})
            assert (answer.status_code, body(answer), answer["Content-Length"]) == (206, part, str(len(part)))
            assert answer["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        for asked in (f"bytes={size}-", "bytes=9-5", "bytes=-0"):
            answer = as_member.get(url, headers={"Range": asked})
            assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{size}")
        for ignored in ("bytes=0-1,5-6", "lines=1-2", "bytes=-"):
            assert body(as_member.get(url, headers={"Range": ignored})) == data
        assert as_member.get(url, headers={"Range": "bytes=0-1", "If-Range": '"another"'}).status_code == 200
        assert as_member.get(url, headers={"If-None-Match": whole["ETag"]}).status_code == 304
        head = as_member.head(url)
        assert (head["Content-Length"], body(head)) == (str(size), b"")

    @pytest.mark.parametrize(
        ("name", "data", "content_type", "disposition"),
        [
            ("photo.png", made.picture("PNG"), "image/png", "inline"),
            ("page.html", made.PAGE, "application/octet-stream", "attachment"),
            ("drawing.svg", made.SVG, "application/octet-stream", "attachment"),
            ("notes.txt", b"<script>alert(1)</script>", "text/plain; charset=utf-8", "attachment"),
            ("a.pdf", made.PDF, "application/pdf", "attachment"),
        ],
    )
    def test_in_a_way_that_nothing_of_it_runs(
        self, as_member: Client, member: User, session: ChatSession, name: str, data: bytes, content_type: str, disposition: str
    ) -> None:
        answer = as_member.get(address(sent(member, session, data, name)))
        assert answer["Content-Type"] == content_type
        assert answer["Content-Disposition"] == f'{disposition}; filename="{name}"'
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Cookie" in answer["Vary"]
        answer.close()

    def test_under_its_name_and_no_other_header(self, as_member: Client, member: User, session: ChatSession) -> None:
        answer = as_member.get(address(sent(member, session, b"x", 'a"\r\nX-Evil: 1; b=é.txt')))
        assert answer["Content-Disposition"] == "attachment; filename*=utf-8''a__X-Evil_%201%3B%20b%3D%C3%A9.txt"
        assert "X-Evil" not in answer.headers

    def test_by_a_proxy_where_there_is_one(self, as_member: Client, member: User, session: ChatSession, settings: Any) -> None:
        settings.AGENTOS_ACCEL = "/internal/"
        file = sent(member, session, b"x", "a.txt")
        answer = as_member.get(address(file), headers={"Range": "bytes=0-1"})
        assert (answer.status_code, answer["X-Accel-Redirect"]) == (200, f"/internal/{file.blob.storage_name}")
        assert answer["Content-Disposition"].startswith("attachment")

    def test_as_not_there_when_its_bytes_are_not(self, as_member: Client, waiting: Attachment) -> None:
        Path(storage.store().path(waiting.blob.storage_name)).unlink()
        assert as_member.get(address(waiting)).status_code == 404


class TestTheDoor:
    @pytest.mark.django_db(transaction=True)  # other threads ask the database, too
    def test_takes_slices_and_answers_with_a_chip(self, as_member: Client, member: User, session: ChatSession) -> None:
        data = b"%PDF-" + LONG
        begun = as_member.post(reverse("dashboard:begin-upload"), {"name": "../a.pdf", "size": len(data), "place": session.session_id})
        assert begun.status_code == 201
        upload = begun.json()
        for number in (1, 0):
            piece = data[number * upload["slice"] : (number + 1) * upload["slice"]]
            assert as_member.put(f"{upload['url']}{number}/", piece, content_type="application/octet-stream").status_code == 204
        done = as_member.post(f"{upload['url']}done/", {"place": session.session_id})
        assert done.status_code == 201
        file = pending(member, session.session_id)[0]
        assert page(done).one("input[name=file]")["value"] == file.file_id
        assert (file.name, file.size) == ("a.pdf", len(data))
        assert page(as_member.get(reverse("dashboard:session", args=[session.session_id]))).has(f"[data-file={file.file_id}]")

    @pytest.mark.django_db(transaction=True)  # other threads ask the database, too
    def test_says_why_not_in_words(self, as_member: Client, as_stranger: Client, session: ChatSession, settings: Any) -> None:
        settings.AGENTOS_FILE_MB = 1
        begin = reverse("dashboard:begin-upload")
        refused = as_member.post(begin, {"name": "a.pdf", "size": 1_000_001, "place": session.session_id})
        assert (refused.status_code, json.loads(refused.content)["error"].startswith("a.pdf is too large")) == (413, True)
        assert as_stranger.post(begin, {"name": "a.pdf", "size": 5, "place": session.session_id}).status_code == 404
        upload = as_member.post(begin, {"name": "a.png", "size": len(made.PAGE), "place": session.session_id}).json()
        assert as_stranger.put(f"{upload['url']}0/", made.PAGE, content_type="image/png").status_code == 404
        as_member.put(f"{upload['url']}0/", made.PAGE, content_type="image/png")
        refused = as_member.post(f"{upload['url']}done/", {"place": session.session_id})
        assert (refused.status_code, "a.png" in refused.json()["error"]) == (415, True)
        assert not Upload.objects.exists()

    def test_lets_one_take_it_back(self, as_member: Client, as_stranger: Client, waiting: Attachment, session: ChatSession) -> None:
        url = reverse("dashboard:remove-file", args=[waiting.file_id])
        assert as_stranger.post(url).status_code == 404
        assert as_member.post(url, headers={"X-Requested-With": "files"}).status_code == 204
        assert not Attachment.objects.exists()


class TestMessages:
    def test_go_with_what_waits_for_them(self, as_member: Client, waiting: Attachment, session: ChatSession) -> None:
        url = reverse("dashboard:session", args=[session.session_id])
        answer = post(as_member, url, {"message": "", "file": waiting.file_id})
        assert answer.status_code == 200
        run = Run.objects.get()
        assert (run.input, run.file_count) == ("", 1)
        turn = page(as_member.get(url)).one(".turn")
        assert [link["href"] for link in turn.select(".turn-files a")] == [address(waiting)]
        assert not turn.select(".said-text")

    def test_that_are_refused_keep_it(self, as_member: Client, member: User, waiting: Attachment, session: ChatSession) -> None:
        url = reverse("dashboard:session", args=[session.session_id])
        answer = post(as_member, url, {"message": "x" * 40_000, "file": waiting.file_id})
        assert answer.status_code == 422
        assert page(answer).has(f"[data-file={waiting.file_id}]")
        answer = post(as_member, url, {"message": "Look", "file": "file_of_nobody"})
        assert (answer.status_code, "no such file" in page(answer).one("#composer-error").text) == (422, True)

    def test_with_what_the_model_does_not_take_say_so_and_keep_it(self, as_member: Client, member: User, session: ChatSession) -> None:
        type(session.agent).objects.filter(pk=session.agent_id).update(model_options={"sees": False})
        blob = keep_bytes(owner=member, data=made.picture("PNG"), name="shot.png")
        file = attach(by=member, blob=blob, name="shot.png", place=place_of(session=session))
        url = reverse("dashboard:session", args=[session.session_id])
        answer = post(as_member, url, {"message": "Look at this", "file": file.file_id})
        assert answer.status_code == 422
        assert "This agent's model cannot see pictures." in page(answer).one("#composer-error").text
        assert page(answer).has(f"[data-file={file.file_id}]")
        assert "Look at this" in page(answer).one("#message").text

    @pytest.mark.django_db(transaction=True)  # other threads ask the database, too
    def test_of_a_form_without_a_script_bring_their_files(self, as_member: Client, member: User, session: ChatSession) -> None:
        url = reverse("dashboard:session", args=[session.session_id])
        files = [SimpleUploadedFile("a.jpg", made.picture(exif=True)), SimpleUploadedFile("b.txt", b"text")]
        assert as_member.post(url, {"message": "Look", "files": files}).status_code == 303
        run = Run.objects.get()
        assert [row.attachment.name for row in run.files.all()] == ["a.jpg", "b.txt"]
        files = [SimpleUploadedFile("c.txt", b"more"), SimpleUploadedFile("d.png", made.PAGE)]
        refused = as_member.post(url, {"message": "Look again", "files": files})
        assert (refused.status_code, "d.png" in page(refused).one("#composer-error").text) == (422, True)
        assert page(refused).one("#message").text.strip() == "Look again"
        assert [file.name for file in pending(member, session.session_id)] == ["c.txt"]

    def test_of_agents_show_what_was_made(self, as_member: Client, member: User, session: ChatSession) -> None:
        file = sent(member, session, made.picture(), "a.jpg")
        run = Run.objects.get()
        Run.objects.update(status=Run.Status.COMPLETED)
        drawn = keep_made(run=run, blob=keep_bytes(owner=member, data=made.picture("PNG"), name="b.png"), name="b.png", origin="model")
        shown = page(as_member.get(reverse("dashboard:session", args=[session.session_id])))
        assert [img["src"] for img in shown.all(".said .turn-files img")] == [address(file, "thumb")]
        assert [img["src"] for img in shown.all(".answer .turn-files img")] == [address(drawn, "thumb")]
        assert attachment_for(member, drawn.file_id) == drawn
