"""What is taken, what is kept of it, and when it goes."""

from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image

from agentos.access.models import User
from agentos.core import clock
from agentos.files import storage, sweeping
from agentos.files.actions import attach, discard
from agentos.files.errors import NoRoom, NoSuchFile, NotTaken, TooLarge
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment, Blob
from agentos.files.names import checked_name
from tests.factories import PlanFactory, SubscriptionFactory
from tests.files import made

pytestmark = pytest.mark.django_db


def all_stored() -> set[str]:
    store = storage.store()
    try:
        folders = store.listdir(storage.KEPT)[0]
    except FileNotFoundError:
        return set()
    return {name for folder in folders for name in storage.names_in(f"{storage.KEPT}/{folder}")}


class TestWhatIsTaken:
    @pytest.mark.parametrize(
        ("name", "data", "mime", "kind"),
        [
            ("a.pdf", made.PDF, "application/pdf", "document"),
            ("a.docx", made.archive(**{"word/document.xml": b"x"}), "", "document"),
            ("notes.txt", "Grüße".encode(), "text/plain", "text"),
            ("table.csv", b"a,b\n1,2\n", "text/csv", "text"),
            ("wide.txt", "wide".encode("utf-16"), "text/plain", "text"),
            ("main.rs", b"fn main() {}", "text/plain", "text"),
            ("no ending", b"just words", "text/plain", "text"),
            ("page.html", made.PAGE, "text/html", "text"),
            ("drawing.svg", made.SVG, "image/svg+xml", "text"),
            ("a.zip", made.archive(a=b"x"), "application/zip", "archive"),
            ("many.zip", made.many_entries(3000), "application/zip", "archive"),
            ("talk.webm", b"\x1a\x45\xdf\xa3" + b"\0" * 20 + b"webm" + b"\0" * 40 + b"A_OPUS", "audio/webm", "audio"),
            ("film.webm", b"\x1a\x45\xdf\xa3" + b"\0" * 20 + b"webm" + b"\0" * 40 + b"V_VP9", "video/webm", "video"),
            ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav", "audio"),
            ("a.mp3", b"\xff\xfb\x90\x64" + b"\0" * 100, "audio/mpeg", "audio"),
        ],
        ids=lambda value: value if isinstance(value, str) and "." in value else "",
    )
    def test_is_known_by_its_bytes(self, member: User, name: str, data: bytes, mime: str, kind: str) -> None:
        blob = keep_bytes(owner=member, data=data, name=name)
        expected = mime or "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        assert (blob.mime, blob.kind, blob.size) == (expected, kind, len(data))
        assert storage.fetch(blob.storage_name) == data

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("photo.png", made.PAGE),
            ("photo.jpg", made.SVG),
            ("song.mp3", made.PLAYLIST),
            ("report.pdf", b"no report"),
            ("letter.docx", made.archive(a=b"x")),
            ("photo.gif", b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)"),
            ("thing", bytes(range(256)) * 10),
            ("old.doc", b"\xd0\xcf\x11\xe0"),
            ("script.exe", b"MZ" + b"\0" * 100),
            ("text.exe", b"said to be text"),
            ("empty.txt", b""),
            ("bomb.png", made.bomb(30_000, 30_000)),
            ("large.png", made.bomb(12_000, 9_000)),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_not_what_is_called_otherwise(self, member: User, name: str, data: bytes) -> None:
        with pytest.raises(NotTaken, match=name.replace(".", r"\.")):
            keep_bytes(owner=member, data=data, name=name)
        assert not Blob.objects.exists()
        assert all_stored() == set()

    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
    def test_of_a_picture_is_upright_and_bare(self, member: User, form: str) -> None:
        """What is behind its end, where it was taken and what it was called goes; a picture that is a page, too, is a picture only."""
        data = made.picture(form, (2000, 1000), exif=form not in {"GIF", "AVIF"}) + made.PAGE
        blob = keep_bytes(owner=member, data=data, name=f"photo.{form.lower()}")
        stored = storage.fetch(blob.storage_name)
        for gone in (b"script", b"Exif", b"taken at home"):
            assert gone not in stored
        with Image.open(BytesIO(stored)) as kept:
            assert not kept.getexif()
            turned = form not in {"GIF", "AVIF"}
            assert kept.size == (blob.width, blob.height) == ((1000, 2000) if turned else (2000, 1000))
        for name, side in ((blob.small_name, 1568), (blob.thumb_name, 512)):
            with Image.open(BytesIO(storage.fetch(name))) as copy:
                assert (copy.format, max(copy.size)) == ("WEBP", side)

    def test_of_a_phone(self, member: User) -> None:
        """HEIC: there is no encoder here, so a picture is made of AVIF's box with its brand. What cannot be decoded is refused in words."""
        with pytest.raises(NotTaken):
            keep_bytes(owner=member, data=b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + b"\0" * 100, name="photo.heic")

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/etc/passwd", "passwd"),
            ("C:\\a.txt", "a.txt"),
            ("a\0b.txt", "a_b.txt"),
            ("a\r\nSet-Cookie: x=1.txt", "a_Set-Cookie_ x=1.txt"),
            ("%2e%2e%2fa.txt", "%2e%2e%2fa.txt"),
            ("photo\u202egnp.exe", "photognp.exe"),
            ("trailing. . ", "trailing"),
            ("...", "file"),
            ("", "file"),
            ('a"b<c>.txt', "a_b_c_.txt"),
            ("x" * 300 + ".txt", "x" * 146 + ".txt"),
        ],
    )
    def test_its_name_is_no_path(self, given: str, kept: str) -> None:
        assert checked_name(given) == kept


class TestRoom:
    def test_the_same_bytes_are_kept_once_for_each(self, member: User, owner: User, django_capture_on_commit_callbacks) -> None:
        first = keep_bytes(owner=member, data=b"the same", name="a.txt")
        with django_capture_on_commit_callbacks(execute=True):
            assert keep_bytes(owner=member, data=b"the same", name="b.txt") == first
        assert keep_bytes(owner=owner, data=b"the same", name="a.txt") != first
        assert len(all_stored()) == 2

    def test_ends_at_what_the_site_or_a_plan_gives(self, member: User, settings) -> None:
        settings.AGENTOS_FILES_MB = 1
        keep_bytes(owner=member, data=b"x" * 900_000, name="a.txt")
        before = all_stored()
        with pytest.raises(NoRoom):
            keep_bytes(owner=member, data=b"y" * 200_000, name="b.txt")
        assert all_stored() == before
        SubscriptionFactory(customer__user=member, plan=PlanFactory(files_mb=2))
        keep_bytes(owner=member, data=b"y" * 200_000, name="b.txt")
        settings.AGENTOS_FILE_MB = 1
        with pytest.raises(TooLarge):
            keep_bytes(owner=member, data=b"z" * 1_000_001, name="c.txt")


class TestSweeping:
    def test_takes_what_nobody_holds(self, member: User, django_capture_on_commit_callbacks) -> None:
        blob, held = (keep_bytes(owner=member, data=data, name="a.txt") for data in (b"one", b"two"))
        pending = attach(by=member, blob=held, name="a.txt", place="session_x")
        Blob.objects.update(sweep_after=clock.now() - timedelta(seconds=1))
        with django_capture_on_commit_callbacks(execute=True):
            sweeping.sweep()
        assert set(Blob.objects.all()) == {held}
        assert all_stored() == {held.storage_name}
        assert Attachment.objects.get() == pending
        held.refresh_from_db()
        assert held.sweep_after is None
        with django_capture_on_commit_callbacks(execute=True):
            discard(by=member, file_id=pending.file_id)
            sweeping.sweep()
        assert blob.storage_name not in all_stored()
        assert not Blob.objects.exists()
        assert all_stored() == set()

    def test_takes_everything_of_a_person_who_goes(self, member: User, django_capture_on_commit_callbacks) -> None:
        blob = keep_bytes(owner=member, data=made.picture(), name="a.jpg")
        attach(by=member, blob=blob, name="a.jpg", place="session_x")
        assert len(all_stored()) == 3
        with django_capture_on_commit_callbacks(execute=True):
            member.delete()
        assert all_stored() == set()

    def test_takes_bytes_that_no_row_knows_after_a_day(self, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        lost, kept = storage.put(storage.KEPT, b"lost"), keep_bytes(owner=member, data=made.picture(), name="a.jpg")
        folders = {name.split("/")[2] for name in all_stored()}
        assert [sweeping.sweep_storage(folder) for folder in folders] == [0] * len(folders)
        monkeypatch.setattr(sweeping, "LOST", timedelta(days=-1))
        for folder in folders:
            sweeping.sweep_storage(folder)
        assert lost not in all_stored()
        assert all_stored() == set(kept.stored_names)

    def test_looks_into_every_folder_in_a_week(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        looked_at: list[str] = []
        monkeypatch.setattr(sweeping, "sweep_storage", looked_at.append)
        monkeypatch.setattr(sweeping._Place, "last", -1)
        monday = clock.now()
        for hour in range(7 * 24 * 3):  # every twenty minutes
            monkeypatch.setattr(clock, "now", lambda hour=hour: monday + timedelta(minutes=20 * hour))
            sweeping._sweep_next_folder()
        assert set(looked_at) == {f"{number:02x}" for number in range(256)}
        assert len(looked_at) <= 257

    def test_only_its_owner_discards(self, member: User, stranger: User) -> None:
        pending = attach(by=member, blob=keep_bytes(owner=member, data=b"x", name="a.txt"), name="a.txt", place="session_x")
        with pytest.raises(NoSuchFile):
            discard(by=stranger, file_id=pending.file_id)
        with pytest.raises(NoSuchFile):
            attach(by=stranger, blob=pending.blob, name="mine.txt")

    @pytest.mark.django_db(transaction=True)
    def test_breaks_nothing_where_a_file_cannot_be_removed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(_names: object) -> None:
            raise PermissionError

        monkeypatch.setattr(storage, "remove", refused)
        storage.remove_on_commit(["agentos/kept/00/gone"])  # the sweep finds it later
