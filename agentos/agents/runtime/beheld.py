"""What a scripted model says of the pictures, recordings and files that it was given: what is in the bytes, and not only their names."""

import re
import wave
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from agno.models.message import Message
from PIL import Image

ATTACHED = re.compile(r"<attached_file name=\"([^\"]*)\" pages=\"(\d+)\">")
PAGES = re.compile(rb"/Type\s*/Page(?![s\w])")
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def told_of_media(messages: list[Message]) -> str:
    """Return a sentence on what came with the last message, and how many pictures of earlier ones came again."""
    asked = [message for message in messages if message.role == "user"]
    last = asked[-1] if asked else Message(role="user", content="")
    found = [*map(_picture, last.images or ()), *map(_recording, last.audio or ()), *map(_file, last.files or ()), *_texts(last)]
    said = f"It was given {_and(found)}." if found else "It was given nothing but words."
    if again := sum(len(message.images or ()) for message in asked[:-1]):
        said += f" It was shown {again} {'picture' if again == 1 else 'pictures'} again."
    return said


def _and(found: list[str]) -> str:
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def _picture(image: Any) -> str:
    try:
        with Image.open(BytesIO(image.content), formats=FORMATS) as picture:
            return f"a picture, {picture.width} x {picture.height}"
    except (OSError, ValueError, Image.DecompressionBombError):
        return "a picture that it cannot read"


def _recording(audio: Any) -> str:
    try:
        with wave.open(BytesIO(audio.content)) as sound:
            return f"a recording of {sound.getnframes() / sound.getframerate():.1f} s"
    except (wave.Error, EOFError, ZeroDivisionError):
        return f"a recording ({audio.format}, {len(audio.content):,} bytes)"


def _file(file: Any) -> str:
    pages = len(PAGES.findall(file.content))
    return _of_pages(file.filename or "a file", pages)


def _texts(message: Message) -> Iterable[str]:
    return (_of_pages(name, int(pages)) for name, pages in ATTACHED.findall(message.get_content_string()))


def _of_pages(name: str, pages: int) -> str:
    return f"{name} of {pages} {'page' if pages == 1 else 'pages'}"
