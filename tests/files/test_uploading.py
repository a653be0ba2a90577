"""Files that come in slices."""

import threading
from asyncio import to_thread
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from agentos.access.models import User
from agentos.files import quotas, storage, uploading
from agentos.files.errors import NoRoom, NoSuchUpload, NotTaken, TooLarge, Unfinished
from agentos.files.keeping import keep_bytes
from agentos.files.models import Blob, Slice, Upload
from agentos.files.uploading import SLICE, BadSlice, begin, cancel, finish, finish_away, put_slice
from tests.files import made
from tests.files.test_keeping import all_stored

pytestmark = pytest.mark.django_db

LONG = b"0123456789" * 250_000  # two slices and a half


def send(upload: Upload, data: bytes, *, order: list[int]) -> None:
    for number in order:
        put_slice(upload=upload, number=number, data=data[number * SLICE : (number + 1) * SLICE])


class TestSlices:
    def test_come_in_any_order_and_again(self, member: User) -> None:
        upload = begin(by=member, name="long.txt", size=len(LONG))
        send(upload, LONG, order=[2, 0])
        with pytest.raises(Unfinished):
            finish(upload=upload)
        assert uploading.numbers(upload) == [0, 2]
        send(upload, LONG, order=[2, 1, 0])
        blob = finish(upload=upload)
        assert storage.fetch(blob.storage_name) == LONG
        assert not Upload.objects.exists()

    def test_are_no_others_than_the_file_has(self, member: User) -> None:
        upload = begin(by=member, name="long.txt", size=len(LONG))
        for number, data in ((-1, b"x" * SLICE), (0, b"x"), (0, b"x" * (SLICE + 1)), (2, b"x" * SLICE), (3, b"x"), (0, b"")):
            with pytest.raises(BadSlice):
                put_slice(upload=upload, number=number, data=data)
        assert not Slice.objects.exists()

    async def test_of_a_recording_end_when_its_sender_says_so(self, member: User, settings) -> None:
        settings.AGENTOS_FILE_MB = 1
        sound = b"\x1a\x45\xdf\xa3" + b"\0" * 20 + b"webm" + b"\0" * 40 + b"A_OPUS"
        upload = await to_thread(begin, by=member, name="voice.webm", size=None)
        for number, data in enumerate((sound, b"\1" * 1000, b"\2" * 500)):
            await to_thread(put_slice, upload=upload, number=number, data=data)
        with pytest.raises(TooLarge):
            await to_thread(put_slice, upload=upload, number=3, data=b"x" * 999_000)
        blob = await finish_away(upload=upload, seconds=3.5)
        assert (blob.mime, blob.seconds, blob.size) == ("audio/webm", 3.5, len(sound) + 1500)

    def test_are_gone_with_what_is_refused_or_cancelled(self, member: User, django_capture_on_commit_callbacks) -> None:
        for name, end in (("photo.png", None), ("photo.png", cancel)):
            with django_capture_on_commit_callbacks(execute=True):
                upload = begin(by=member, name=name, size=len(made.PAGE))
                put_slice(upload=upload, number=0, data=made.PAGE)
                if end:
                    end(upload=upload)
                else:
                    with pytest.raises(NotTaken):
                        finish(upload=upload)
        assert not Slice.objects.exists()
        assert not Blob.objects.exists()
        with pytest.raises(NoSuchUpload):
            put_slice(upload=upload, number=0, data=made.PAGE)


class TestLimits:
    def test_are_said_before_a_byte_is_sent(self, member: User, settings) -> None:
        settings.AGENTOS_FILE_MB, settings.AGENTOS_FILES_MB = 1, 2
        with pytest.raises(TooLarge, match=r"large\.txt"):
            begin(by=member, name="large.txt", size=1_000_001)
        begin(by=member, name="a.txt", size=1_000_000)
        begin(by=member, name="b.txt", size=900_000)
        with pytest.raises(NoRoom):
            begin(by=member, name="c.txt", size=100_001)

    @pytest.mark.django_db(transaction=True)
    def test_hold_for_fifty_at_once(self, member: User, settings) -> None:
        settings.AGENTOS_FILES_MB = 1
        start = threading.Barrier(50)

        def upload(number: int) -> bool:
            start.wait()
            try:
                made_of = begin(by=member, name=f"{number}.txt", size=100_000)
                put_slice(upload=made_of, number=0, data=f"{number:05}".encode() * 20_000)
                finish(upload=made_of)
            except NoRoom:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(50) as threads:
            assert sum(threads.map(upload, range(50))) == 10
        assert Blob.objects.count() == 10
        assert not Upload.objects.exists()
        assert len(all_stored()) == 10

    @pytest.mark.django_db(transaction=True)
    def test_hold_for_fifty_of_unknown_size_and_for_fifty_that_come_whole(self, member: User, settings) -> None:
        settings.AGENTOS_FILES_MB = 1
        start = threading.Barrier(50)

        def keep(number: int) -> bool:
            start.wait()
            data = f"{number:05}".encode() * 20_000
            try:
                if number % 2:
                    keep_bytes(owner=member, data=data, name="a.txt")
                    return True
                made_of = begin(by=member, name=f"{number}.txt", size=None)
                try:
                    put_slice(upload=made_of, number=0, data=data)
                    finish(upload=made_of)
                except NoRoom:
                    cancel(upload=made_of)
                    raise
            except NoRoom:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(50) as threads:
            assert sum(threads.map(keep, range(50))) == 10
        assert quotas.used_by(member) == 1_000_000
        assert len(all_stored()) == 10
