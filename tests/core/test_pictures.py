"""Pictures of people: what is kept of a file, and that no file costs more than its time."""

import struct
import threading
import zlib
from io import BytesIO

import pytest
from PIL import Image

from agentos.core import pictures

LEFT, RIGHT = (200, 30, 30), (30, 30, 200)
ORIENTATION, TURNED_BY_90 = 0x0112, 6


def file_of(picture: Image.Image, form: str, **more: object) -> bytes:
    found = BytesIO()
    picture.save(found, form, **more)
    return found.getvalue()


def two_halves(size: tuple[int, int] = (400, 200)) -> Image.Image:
    picture = Image.new("RGB", size, LEFT)
    picture.paste(RIGHT, (size[0] // 2, 0, *size))
    return picture


def colour(data: bytes, x: int, y: int) -> str:
    red, _, blue = opened(data).convert("RGB").tobytes()[3 * (y * 256 + x) :][:3]
    return "left" if red > blue else "right"


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def png_header(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = b"".join(struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (head, body))
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_each_kind_becomes_a_small_square(form: str) -> None:
    small = pictures.square(file_of(two_halves(), form))
    assert (opened(small).format, opened(small).size) == ("WEBP", (256, 256))
    assert (colour(small, 20, 128), colour(small, 236, 128)) == ("left", "right")


def test_a_picture_is_the_right_way_up_and_loses_what_else_its_file_held() -> None:
    held = Image.Exif()
    held[ORIENTATION] = TURNED_BY_90
    held[0x010E] = "taken at home"
    data = file_of(two_halves(), "JPEG", exif=held, comment=b"taken at home")
    assert b"taken at home" in data
    made = pictures.square(data)
    assert b"taken at home" not in made
    assert not opened(made).getexif()
    assert (colour(made, 128, 20), colour(made, 128, 236)) == ("left", "right")  # turned, so that left is above


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        png_header(30_000, 30_000),
    ],
    ids=["nothing", "text", "svg", "pdf", "a head alone", "a bomb"],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(pictures.NotAPicture):
        pictures.square(data)


def test_one_is_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()
    monkeypatch.setattr(pictures, "_one_at_a_time", lock)
    with lock, pytest.raises(pictures.Busy):
        pictures.square(file_of(two_halves(), "PNG"))
    with pytest.raises(pictures.NotAPicture):
        pictures.square(b"")
    assert not lock.locked()


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "SECONDS", 0.001)
    with pytest.raises(pictures.NotAPicture):
        pictures.square(file_of(two_halves(), "PNG"))
