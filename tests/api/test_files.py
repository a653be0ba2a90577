"""Files through the API: sent whole and in slices, named by messages, and downloaded by whoever may read the chat."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.actions import create_token
from agentos.access.models import Team, User
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run
from agentos.files.models import Attachment, Blob, Upload
from agentos.files.uploading import SLICE
from agentos.knowledge.models import Document
from tests.api.calls import ROOT, assert_refused, post
from tests.factories import AgentFactory, BaseFactory
from tests.files import made

FILES = f"{ROOT}files/"
BYTES = "application/octet-stream"
LONG = b"%PDF-" + b"0123456789" * 150_000

pytestmark = pytest.mark.django_db(transaction=True)  # other threads ask the database, too


@pytest.fixture
def session(member: User) -> ChatSession:
    return actions.create_session(agent=AgentFactory(model="scripted:5x0", is_global=True), by=member)


def give(client: Client, name: str = "notes.txt", data: bytes = b"notes", **headers: Any) -> Any:
    return client.post(f"{FILES}?name={name}", data, content_type=BYTES, headers=headers)


class TestFiles:
    def test_are_sent_and_go_with_a_message(self, as_member: Client, as_stranger: Client, session: ChatSession) -> None:
        sent = give(as_member, "photo.jpg", made.picture(exif=True))
        assert sent.status_code == 201, sent.content
        file = sent.json()
        assert (file["kind"], file["type"], file["width"], file["height"]) == ("picture", "image/jpeg", 200, 400)
        for client, status in ((as_member, 200), (as_stranger, 404)):
            assert client.get(sent.headers["Location"]).status_code == status
        started = post(as_member, f"{ROOT}sessions/{session.session_id}/runs/", {"message": "Look", "files": [file["id"]]})
        assert started.status_code == 201, started.content
        run = as_member.get(started.json()["url"]).json()
        assert run["files"] == [{**file, "origin": "person"}]
        part = as_member.get(file["url"], headers={"Range": "bytes=0-1"})
        assert (part.status_code, b"".join(part)) == (206, b"\xff\xd8")
        assert_refused(as_member.get(file["url"], headers={"Range": "bytes=99999999-"}), 416, "no_such_range")
        assert as_stranger.get(file["url"]).status_code == 404
        assert as_member.delete(sent.headers["Location"]).status_code == 404  # it goes with its message
        assert_refused(
            post(as_member, f"{ROOT}sessions/{session.session_id}/runs/", {"message": "Again", "files": [file["id"]]}),
            422,
            "invalid_fields",
            "files",
        )

    def test_come_in_slices(self, as_member: Client) -> None:
        begun = post(as_member, f"{FILES}uploads/", {"name": "report.pdf", "size": len(LONG)})
        assert begun.status_code == 201
        url = begun.headers["Location"]
        assert url == f"{FILES}uploads/{begun.json()['id']}/"
        assert as_member.put(f"{url}1/", LONG[SLICE:], content_type=BYTES).status_code == 204
        assert as_member.get(url).json()["received"] == [1]
        assert_refused(as_member.post(f"{url}done/"), 409, "upload_unfinished")
        assert as_member.put(f"{url}0/", LONG[:SLICE], content_type=BYTES).status_code == 204
        file = as_member.post(f"{url}done/").json()
        assert (file["name"], file["size"], file["type"]) == ("report.pdf", len(LONG), "application/pdf")
        assert as_member.delete(f"{FILES}{file['id']}/").status_code == 204
        assert not Attachment.objects.exists()

    def test_are_refused_in_words(self, as_member: Client, settings: Any) -> None:
        settings.AGENTOS_FILE_MB, settings.AGENTOS_FILES_MB = 1, 2
        assert_refused(give(as_member, "photo.png", made.PAGE), 415, "file_not_taken", "photo.png")
        assert_refused(give(as_member, data=b"x" * (SLICE + 100_000)), 413, "too_large")
        assert_refused(post(as_member, f"{FILES}uploads/", {"name": "a.txt", "size": 1_000_001}), 413, "too_large", "a.txt")
        assert not Blob.objects.exists()
        assert not Upload.objects.exists()

    def test_are_sent_once_under_a_key(self, as_member: Client) -> None:
        first, again = (give(as_member, data=b"notes", **{"Idempotency-Key": "k"}).json() for _ in range(2))
        assert first == again
        assert Attachment.objects.count() == 1
        assert_refused(give(as_member, data=b"other", **{"Idempotency-Key": "k"}), 422, "key_reused")

    def test_need_a_scope(self, member: User) -> None:
        _, reads = create_token(by=member, name="Reads", scopes=["sessions:read"])
        _, writes = create_token(by=member, name="Writes", scopes=["runs:write"])
        client = Client()
        assert give(client, Authorization=f"Bearer {reads}").status_code == 403
        url = give(client, Authorization=f"Bearer {writes}").headers["Location"]
        assert client.get(url, headers={"Authorization": f"Bearer {writes}"}).status_code == 403
        assert client.get(f"{url}content/", headers={"Authorization": f"Bearer {reads}"}).status_code == 200

    def test_of_many_runs_cost_one_query(self, as_member: Client, session: ChatSession) -> None:
        counts: list[int] = []
        for _ in range(3):
            file = give(as_member, data=b"%d" % len(counts)).json()
            post(as_member, f"{ROOT}sessions/{session.session_id}/runs/", {"message": "Look", "files": [file["id"]]})
            Run.objects.update(status=Run.Status.COMPLETED)
            with CaptureQueriesContext(connection) as asked:
                assert as_member.get(f"{ROOT}sessions/{session.session_id}/runs/").status_code == 200
            counts.append(len(asked))
        assert counts[1] == counts[2]


class TestOnce:
    """What is said again under the same key, because its answer got lost, is done once."""

    def test_an_upload_is_begun_and_finished(self, as_member: Client, as_stranger: Client) -> None:
        told = {"name": "notes.txt", "size": 5}
        begun = [post(as_member, f"{FILES}uploads/", told, **{"Idempotency-Key": "begin"}) for _ in range(2)]
        assert begun[0].json()["id"] == begun[1].json()["id"]
        assert_refused(post(as_member, f"{FILES}uploads/", {**told, "size": 6}, **{"Idempotency-Key": "begin"}), 422, "key_reused")
        where = begun[0].headers["Location"]
        assert as_member.put(f"{where}0/", b"notes", content_type=BYTES).status_code == 204
        done = [as_member.post(f"{where}done/", headers={"Idempotency-Key": "done"}) for _ in range(2)]
        assert [answer.status_code for answer in done] == [201, 201]
        assert done[0].json() == done[1].json()
        assert as_member.post(f"{where}done/").status_code == 404
        assert as_stranger.post(f"{where}done/", headers={"Idempotency-Key": "done"}).status_code == 404


class TestKnowledge:
    def test_takes_files(self, as_member: Client, as_stranger: Client, member: User) -> None:
        base = BaseFactory(owner=member)
        url = f"{ROOT}knowledge/{base.pk}/"
        made = [
            as_member.post(f"{url}files/?name=a.txt", b"Quiet.", content_type=BYTES, headers={"Idempotency-Key": "a"}) for _ in range(2)
        ]
        assert [answer.status_code for answer in made] == [201, 201], made[0].content
        assert made[0].json()["id"] == made[1].json()["id"]
        assert as_stranger.post(f"{url}files/?name=a.txt", b"Quiet.", content_type=BYTES).status_code == 404
        file = give(as_member, "b.txt", b"Loud.").json()["id"]
        assert_refused(post(as_member, f"{url}documents/", {"file": file, "text": "Both."}), 422, "invalid_fields", "text")
        added = post(as_member, f"{url}documents/", {"file": file})
        assert (added.status_code, added.json()["title"], added.json()["source"]) == (201, "b.txt", "file")
        assert_refused(post(as_member, f"{url}documents/", {"file": file}), 404, "file_not_found")  # it is in the base now
        assert [document.title for document in Document.objects.order_by("pk")] == ["a.txt", "b.txt"]

    def test_of_others_is_not_added_to(self, as_member: Client, as_stranger: Client, member: User, support: Team) -> None:
        team = BaseFactory(team=support)
        answer = as_member.post(f"{ROOT}knowledge/{team.pk}/files/?name=a.txt", b"Quiet.", content_type=BYTES)
        assert_refused(answer, 403, "not_your_base")
        theirs = give(as_stranger).json()["id"]
        own = BaseFactory(owner=member)
        assert_refused(post(as_member, f"{ROOT}knowledge/{own.pk}/documents/", {"file": theirs}), 404, "file_not_found")
        assert not Document.objects.exists()
