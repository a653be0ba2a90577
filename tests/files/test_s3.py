"""Files in S3: nothing of the product needs a path, and when S3 is away that is said. Needs the extra ``s3``, and moto."""

import logging
import sys
import tarfile
from asyncio import to_thread
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.core import clock, repeated
from agentos.core.starting.refusal import CannotStart
from agentos.files import checks, storage, sweeping
from agentos.files.actions import attach
from agentos.files.errors import NotReached
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment, Blob, Slice, Upload
from agentos.files.uploading import SLICE, begin, finish, put_slice, put_slice_away
from agentos.knowledge.actions import create_base
from agentos.operations.backup import files as backup
from agentos.operations.backup import postgresql, restoring
from agentos.operations.backup.archive import Manifest
from tests.files import made, s3
from tests.html import page

pytest.importorskip("storages", reason="The extra s3 is not installed.")
pytest.importorskip("moto", reason="moto is not installed: it is the S3 of these tests.")

pytestmark = pytest.mark.django_db
LONG = b"0123456789" * 250_000
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server() -> Iterator[s3.Server]:
    with s3.running() as running:
        yield running


@pytest.fixture
def bucket(server: s3.Server, settings: Any) -> s3.Server:
    use(settings, **server.options())
    for name in server.names():
        server.client.delete_object(Bucket=s3.BUCKET, Key=name)
    return server


def use(settings: Any, **options: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "agentos.files.s3.Storage", "OPTIONS": options}}


@pytest.fixture
def away(bucket: s3.Server, settings: Any) -> Iterator[None]:
    """Nobody answers at its address, which is known at once here."""
    repeated.forget()
    with patch("agentos.files.s3.WAY", quick()):
        use(settings, **{**bucket.options(), "endpoint_url": NOBODY})
        yield


def quick() -> Any:
    from botocore.config import Config

    return Config(retries={"mode": "standard", "total_max_attempts": 1})


def attached(user: User, data: bytes, name: str) -> Attachment:
    return attach(by=user, blob=keep_bytes(owner=user, data=data, name=name), name=name)


def body(response: Any) -> bytes:
    return b"".join(response) if response.streaming else bytes(response.content)


def wait() -> None:
    """Until what is done later is done."""
    storage._later.submit(int).result(timeout=30)


class TestKept:
    def test_under_the_names_of_the_site_alone(self, bucket: s3.Server, member: User) -> None:
        blob = keep_bytes(owner=member, data=made.picture(size=(2000, 900)), name="a.jpg")
        assert bucket.names() == {f"a-site/{name}" for name in blob.stored_names}
        assert len(blob.stored_names) == 3
        assert storage.fetch(blob.storage_name)[:3] == b"\xff\xd8\xff"

    async def test_slices_are_joined(self, bucket: s3.Server, member: User, django_capture_on_commit_callbacks: Any) -> None:
        upload = await to_thread(begin, by=member, name="long.txt", size=len(LONG))
        for number in (2, 0):
            await put_slice_away(upload=upload, number=number, data=LONG[number * SLICE : (number + 1) * SLICE])
        await to_thread(put_slice, upload=upload, number=1, data=LONG[SLICE : 2 * SLICE])

        def end() -> Blob:
            with django_capture_on_commit_callbacks(execute=True):
                return finish(upload=upload)

        blob = await to_thread(end)
        wait()
        assert storage.fetch(blob.storage_name) == LONG
        assert bucket.names() == {f"a-site/{blob.storage_name}"}

    def test_is_swept_when_no_row_knows_it(self, bucket: s3.Server, member: User, django_capture_on_commit_callbacks: Any) -> None:
        kept, lost = keep_bytes(owner=member, data=b"kept", name="a.txt"), storage.put(storage.KEPT, b"lost")
        for folder in {name.split("/")[2] for name in (kept.storage_name, lost)}:
            sweeping.sweep_storage(folder)
        assert len(bucket.names()) == 2
        with patch.object(sweeping, "LOST", timedelta(days=-1)):
            for folder in {name.split("/")[2] for name in (kept.storage_name, lost)}:
                sweeping.sweep_storage(folder)
        assert bucket.names() == {f"a-site/{kept.storage_name}"}
        Blob.objects.update(sweep_after=clock.now() - timedelta(seconds=1))
        with django_capture_on_commit_callbacks(execute=True):
            sweeping.sweep()
        wait()
        assert bucket.names() == set()

    @pytest.mark.django_db(transaction=True)
    def test_slices_for_a_base_come_by_threads_for_that(self, bucket: s3.Server, as_member: Client, member: User) -> None:
        base = create_base(name="House", by=member)
        upload = begin(by=member, name="long.txt", size=len(LONG))
        with patch("agentos.files.uploading.put_slice", side_effect=AssertionError):  # by which a request waits for S3
            url = reverse("dashboard:knowledge-slice", args=[base.pk, upload.upload_id, 0])
            assert as_member.put(url, LONG[:SLICE], content_type="application/octet-stream").status_code == 204
        assert Slice.objects.get().size == SLICE


class TestGivenBack:
    def test_whole_or_in_parts(self, bucket: s3.Server, as_member: Client, member: User) -> None:
        data = b"%PDF-" + LONG
        url = reverse("dashboard:attachment", args=[attached(member, data, "a.pdf").file_id])
        whole = as_member.get(url)
        assert (whole.status_code, body(whole), whole["Content-Type"]) == (200, data, "application/pdf")
        for asked, start, end in (("bytes=5-9", 5, 10), ("bytes=-4", len(data) - 4, len(data)), ("bytes=0-", 0, len(data))):
            part = as_member.get(url, headers={"Range": asked})
            assert (part.status_code, body(part)) == (206, data[start:end])
        assert as_member.get(url, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
        assert as_member.get(url, headers={"If-None-Match": whole["ETag"]}).status_code == 304

    def test_reads_no_more_than_is_asked_for(self, bucket: s3.Server, member: User) -> None:
        name = storage.put(storage.KEPT, LONG)
        asked: list[str] = []
        get = storage.store()._client.get_object  # type: ignore[attr-defined]
        with patch.object(storage.store()._client, "get_object", lambda **how: asked.append(how["Range"]) or get(**how)):  # type: ignore[attr-defined, func-returns-value]
            assert b"".join(storage.pieces(name, 1_000_000, 1_000_010)) == LONG[:10]
        assert asked == ["bytes=1000000-1000009"]

    def test_small_copies_of_pictures(self, bucket: s3.Server, as_member: Client, member: User) -> None:
        url = reverse("dashboard:thumb", args=[attached(member, made.picture(size=(2000, 900)), "a.jpg").file_id])
        answer = as_member.get(url)
        assert (answer.status_code, answer["Content-Type"], body(answer)[8:12]) == (200, "image/webp", b"WEBP")

    def test_is_not_found_when_it_is_gone(self, bucket: s3.Server, as_member: Client, member: User) -> None:
        file = attached(member, b"x", "a.txt")
        storage.remove([file.blob.storage_name])
        assert storage.size_of(file.blob.storage_name) is None
        assert as_member.get(reverse("dashboard:attachment", args=[file.file_id])).status_code == 404


class TestAway:
    def test_is_said_in_words_and_in_the_log(self, away: None, member: User, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING), pytest.raises(NotReached, match="cannot be kept or read at the moment"):
            keep_bytes(owner=member, data=b"x", name="a.txt")
        assert "Files in S3 cannot be kept or read: EndpointConnectionError" in caplog.text
        assert not Blob.objects.exists()

    def test_takes_no_slice_and_gives_no_file(self, away: None, as_member: Client, member: User) -> None:
        upload = begin(by=member, name="a.txt", size=3)
        sent = as_member.put(reverse("dashboard:slice", args=[upload.upload_id, 0]), b"abc", content_type="application/octet-stream")
        assert (sent.status_code, sent["Retry-After"]) == (503, "10")
        assert not Slice.objects.exists()
        assert Upload.objects.exists()
        blob = Blob.objects.create(owner=member, sha256="0" * 64, size=3, mime="text/plain", kind="text", storage_name="agentos/kept/00/a")
        file = attach(by=member, blob=blob, name="a.txt")
        assert as_member.get(reverse("dashboard:attachment", args=[file.file_id])).status_code == 503

    def test_makes_deletions_wait_for_the_sweep(self, away: None, member: User, django_capture_on_commit_callbacks: Any) -> None:
        blob = Blob.objects.create(owner=member, sha256="0" * 64, size=3, mime="text/plain", kind="text", storage_name="agentos/kept/00/a")
        with django_capture_on_commit_callbacks(execute=True):
            blob.delete()
        wait()
        storage.later(lambda: sweeping.sweep_storage("00"))
        wait()

    def test_is_known_to_checks_and_to_operators(self, away: None, as_operator: Client) -> None:
        (said,) = checks.storage_is_reached()
        assert said.msg.startswith("The storage of files cannot be used. EndpointConnectionError")
        assert checks.storage_is_there() == []
        facts = page(as_operator.get("/agentos/settings/installation/")).texts(".row-card")
        (fact,) = (text for text in facts if text.startswith("Storage of the files"))
        assert "Needs attention" in fact


class TestChecks:
    def test_say_nothing_where_it_answers(self, bucket: s3.Server, as_operator: Client) -> None:
        assert checks.storage_is_reached() == []
        assert bucket.names() == set()
        facts = page(as_operator.get("/agentos/settings/installation/")).texts(".row-card")
        assert "Storage of the files Answers." in facts

    def test_say_that_there_is_no_such_bucket(self, bucket: s3.Server, settings: Any) -> None:
        use(settings, **{**bucket.options(), "bucket_name": "another-one"})
        (said,) = checks.storage_is_reached()
        assert "NoSuchBucket" in said.msg

    def test_say_how_to_get_the_extra(self, settings: Any) -> None:
        sys.modules.pop("agentos.files.s3", None)
        with patch.dict("sys.modules", {"storages.backends.s3": None}):
            use(settings, bucket_name="files")
            (said,) = checks.storage_is_there()
            assert checks.storage_is_reached() == []
        assert "pip install 'agentos-django[s3]'" in said.msg
        assert said.id == "agentos.E007"


class TestBackup:
    def test_leaves_them_out_and_puts_those_of_another_in(self, bucket: s3.Server, member: User, tmp_path: Path, settings: Any) -> None:
        far = settings.STORAGES
        assert backup.place() is None
        assert not backup.dump(tmp_path / "files.tar")
        settings.STORAGES = {
            **far,
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "f"}},
        }
        blob = keep_bytes(owner=member, data=b"what we found", name="a.txt")
        assert backup.dump(tmp_path / "files.tar")
        settings.STORAGES = far
        for _again in range(2):
            backup.put(tmp_path / "files.tar")
        assert storage.fetch(blob.storage_name) == b"what we found"

    def test_that_cannot_be_put_there_leaves_the_database_alone(
        self, away: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.AGENTOS_DATA_DIR = tmp_path / "data"
        manifest = Manifest("1", "now", "postgresql", [], {}, {backup.FILE: {}}, "left out", "")

        def unpacked(_path: Path, folder: Path, _kind: str) -> Manifest:
            with tarfile.open(folder / backup.FILE, "w") as tar:
                tar.addfile(tarfile.TarInfo(f"{storage.KEPT}/00/name"), BytesIO())
            return manifest

        monkeypatch.setattr(restoring, "_unpacked", unpacked)
        touched: list[Any] = []
        monkeypatch.setattr(postgresql, "restore", lambda *given, **_how: touched.append(given))
        with pytest.raises(CannotStart, match="Nothing else was changed"):
            restoring._into_postgresql(tmp_path / "backup.zip", "aside", force=True)
        assert touched == []
