"""Files in the messages of OpenAI's clients: pictures, documents and recordings, as data in the request or by the id that `/files/` gave.

They become files of the sender's, with the limits that hold for those of the page, and go with the message. Addresses are never fetched: a
program that has one can fetch it itself, and send what it got.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from mimetypes import guess_extension
from typing import Any

from agentos.access.users import User
from agentos.api.openai.errors import BadField
from agentos.chat import sent_files
from agentos.chat.errors import InvalidInput
from agentos.chat.models import Run
from agentos.chat.sent_files import GivenFile, KeptFiles, NotKept

KINDS = frozenset({"image_url", "file", "input_audio"})  # of parts, as chat completions call them
AUDIO = {"wav": "audio/wav", "mp3": "audio/mpeg"}
NOT_FETCHED = "Addresses are not fetched: send the file itself, as a data URI, or the id that /api/v1/agentos/files/ gave."
NO_DATA = "This is no data URI, and no base64: data:image/png;base64,..."


def file_of(kind: str, told: Any, field: str) -> GivenFile:
    """Read a part. ``told``: what stands in it under the name of its kind. Raises BadField."""
    about = {"url": told} if isinstance(told, str) else told
    if not isinstance(about, dict):
        raise BadField(field, f"A part of type {kind} needs an object {kind}.")
    if isinstance(about.get("file_id"), str) and about["file_id"]:
        return GivenFile("file", file_id=about["file_id"][:100], field=field)
    if kind == "input_audio":
        sound = about.get("format")
        if not isinstance(sound, str) or sound not in AUDIO:
            raise BadField(field, f"A recording is one of: {', '.join(AUDIO)}.", code="unsupported_value")
        return GivenFile(f"recording.{sound}", _bytes(about.get("data"), field)[0], field=field)
    data, mime = _bytes(about.get("url") if kind == "image_url" else about.get("file_data"), field)
    named = about.get("filename")
    if isinstance(named, str) and named.strip():
        return GivenFile(named[:200], data, field=field)
    word, ending = ("picture", ".png") if kind == "image_url" else ("file", ".txt")
    return GivenFile(f"{word}{guess_extension(mime) or ending}", data, field=field)


def _bytes(told: Any, field: str) -> tuple[bytes, str]:
    """Return the bytes of a data URI, or of plain base64, and the type that it names. Raises BadField."""
    if not isinstance(told, str) or not told:
        raise BadField(field, NO_DATA)
    if told[:8].lower().startswith(("http:", "https:", "file:", "ftp:")):
        raise BadField(field, NOT_FETCHED, code="unsupported_value")
    head, comma, rest = told.partition(",") if told[:5].lower() == "data:" else ("", ",", told)
    try:
        if not comma or (head and not head.lower().endswith(";base64")):
            raise BadField(field, NO_DATA)
        return b64decode(rest, validate=True), head[5:].partition(";")[0].lower()
    except (binascii.Error, ValueError):
        raise BadField(field, NO_DATA) from None


async def kept_for(user: User, files: Sequence[GivenFile], start: Callable[[KeptFiles], Run]) -> Run:
    """Raises BadField, and the errors of ``start``."""
    try:
        return await sent_files.kept_for(user, files, start)
    except NotKept as not_kept:
        error = not_kept.error
        raise BadField(not_kept.file.field, error.sentence, code=error.code, status=error.status) from None
    except InvalidInput as error:
        raise BadField(files[0].field if error.field == "files" else error.field or "messages", error.sentence) from None
