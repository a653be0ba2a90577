"""Attacks on files: each is refused, or is given back in a way that harms nobody. What they are: ``attacks.py``."""

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.core import reading
from agentos.core.reading import documents
from agentos.files import storage
from agentos.files.actions import attach
from agentos.files.errors import NotTaken
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment, Blob
from agentos.files.sniffing import sniffed
from tests.files import attacks, made
from tests.files.test_keeping import all_stored

pytestmark = pytest.mark.django_db

LONG = bytes(range(256)) * 40


def attached(user: User, name: str, data: bytes) -> Attachment:
    return attach(by=user, blob=keep_bytes(owner=user, data=data, name=name), name=name)


def address(file: Attachment) -> str:
    return reverse("dashboard:attachment", args=[file.file_id])


def body(response: Any) -> bytes:
    return b"".join(response) if response.streaming else bytes(response.content)


class TestPolyglots:
    @pytest.mark.parametrize(("name", "data"), attacks.REFUSED.values(), ids=attacks.REFUSED)
    def test_are_refused(self, member: User, name: str, data: bytes) -> None:
        with pytest.raises(NotTaken):
            keep_bytes(owner=member, data=data, name=name)
        assert not Blob.objects.exists()
        assert all_stored() == set()

    @pytest.mark.parametrize(("name", "data", "kind"), attacks.HARMLESS.values(), ids=attacks.HARMLESS)
    def test_do_no_harm(self, as_member: Client, member: User, name: str, data: bytes, kind: str) -> None:
        file = attached(member, name, data)
        answer = as_member.get(address(file))
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind)
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("inline" if file.is_picture else "attachment")
        whole = body(answer)
        if file.is_picture:
            for stored in (whole, *(storage.fetch(each) for each in file.blob.stored_names)):
                assert attacks.MARK not in stored
            assert as_member.get(address(file), {"download": "1"})["Content-Disposition"].startswith("attachment")

    def test_take_little_memory(self) -> None:
        """Twenty-five megabytes of a list would be three hundred when it is read."""
        data = attacks.zip_with_long_list(530_000)
        tracemalloc.start()
        try:
            assert sniffed(BytesIO(data), "files.zip").mime == "application/zip"
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()

    def test_of_many_frames_are_one_picture(self, member: User) -> None:
        began = time.monotonic()
        blob = keep_bytes(owner=member, data=attacks.gif_of_frames(600, 400), name="long.gif")
        assert (blob.width, blob.height) == (400, 400)
        assert time.monotonic() - began < 40


class TestBombs:
    @pytest.mark.parametrize(("name", "make"), attacks.BOMBS.values(), ids=attacks.BOMBS)
    async def test_go_off_nowhere(self, name: str, make: Callable[[], bytes]) -> None:
        began, told = time.monotonic(), 0
        with contextlib.suppress(reading.UnreadableFile):
            told = sum(len(page.text) for page in (await reading.file(make(), name)).pages)
        assert told < 10_000
        assert time.monotonic() - began < documents.SECONDS + 10


NAMES = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/cron.d/x",
    "....//....//x.txt",
    "a\0.html.txt",
    "a\r\nSet-Cookie: x=1\r\n\r\n<script>.txt",
    "a\nX-Evil: 1.txt",
    'a"; filename="evil.html',
    "a'; filename*=utf-8''evil.html",
    "a\u2028X-Evil: 1.txt",
    "photo\u202egnp.txt",
    "%0d%0aX-Evil: 1.txt",
    "=?utf-8?b?PHNjcmlwdD4=?=.txt",
    "..",
    ".htaccess",
    "CON",
    "x" * 900 + ".txt",
    "\ud83d\ude00.txt".encode("utf-16", "surrogatepass").decode("utf-16"),
]


class TestNames:
    @pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
    def test_are_no_path_and_no_header(self, as_member: Client, member: User, name: str) -> None:
        file = attached(member, name, b"words")
        assert not set(file.name) & set('/\\\0\r\n"<>|:*?\u202e')
        assert 0 < len(file.name) <= 150
        answer = as_member.get(address(file))
        said = answer["Content-Disposition"]
        assert said.isascii()
        assert said.isprintable()
        assert said.startswith("attachment; filename")
        assert said.count("filename") == 1 + file.name.count("filename")
        assert not {"X-Evil", "Set-Cookie"} & set(answer.headers)
        assert all(each.startswith(f"{storage.KEPT}/") and len(each) == len(f"{storage.KEPT}/ab/") + 32 for each in all_stored())

    @pytest.mark.parametrize("name", ["../../etc/passwd", "a\r\nX-Evil: 1.txt", "a\0b.txt"])
    def test_are_none_at_any_door(self, as_member: Client, member: User, name: str) -> None:
        begun = as_member.post(reverse("dashboard:begin-upload"), {"name": name, "size": 5, "place": ""})
        assert begun.status_code == 404  # a place is asked for first, and there is none
        as_member.raise_request_exception = False
        for url in (f"/agentos/files/{quote(name, safe='')}/", f"/agentos/files/{quote('../../manage.py', safe='')}/"):
            assert as_member.get(url).status_code in {400, 404}  # PostgreSQL does not even compare what has a NUL


RANGES_FOR_ALL = [
    "bytes=0-1,5-6",
    "bytes=" + ",".join("0-" for _ in range(2_000)),
    "bytes=" + ",".join(f"{n}-{n}" for n in range(1_000)),
    "bytes=--5",
    "bytes=-5-9",
    "bytes=+1-2",
    "bytes=0x0-0xf",
    "bytes=1e3-2e3",
    "bytes=\xb2-\xb3",
    "bytes=99999999999999999999999999-",
    "bytes=-99999999999999999999999999",
    "bytes=0-18446744073709551616",
    "bytes=",
    "items=0-5",
    "bytes=0-1;bytes=4-5",
    "bytes 0-5",
]


class TestRanges:
    @pytest.mark.parametrize("asked", RANGES_FOR_ALL, ids=range(len(RANGES_FOR_ALL)))
    def test_that_cannot_be_understood_give_all_of_it_once(self, as_member: Client, member: User, asked: str) -> None:
        answer = as_member.get(address(attached(member, "a.pdf", b"%PDF-" + LONG)), headers={"Range": asked})
        assert (answer.status_code, body(answer)) == (200, b"%PDF-" + LONG)

    @pytest.mark.parametrize("asked", ["bytes=999999999999999999-", "bytes=9-5", "bytes=-0", "bytes=100000-100001"])
    def test_outside_of_it_give_nothing(self, as_member: Client, member: User, asked: str) -> None:
        answer = as_member.get(address(attached(member, "a.pdf", b"%PDF-" + LONG)), headers={"Range": asked})
        assert (answer.status_code, body(answer)) == (416, b"")

    @pytest.mark.parametrize("asked", ["bytes=0-999999999999999999", "bytes=-999999999999999999"])
    def test_that_are_too_long_end_where_it_ends(self, as_member: Client, member: User, asked: str) -> None:
        answer = as_member.get(address(attached(member, "a.pdf", b"%PDF-" + LONG)), headers={"Range": asked})
        assert (answer.status_code, body(answer), answer["Content-Length"]) == (206, b"%PDF-" + LONG, str(len(LONG) + 5))


def test_nobody_else_has_any_of_it(as_stranger: Client, as_member: Client, member: User) -> None:
    file = attached(member, "photo.png", made.picture("PNG"))
    for url in (address(file), reverse("dashboard:thumb", args=[file.file_id])):
        assert as_member.get(url).status_code == 200
        assert as_stranger.get(url).status_code == 404
