"""Listening by a server that speaks OpenAI's protocol."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.utils.translation import gettext as _

from agentos.conf import app_settings
from agentos.core.security import guarded_http
from agentos.core.security.guarded_http import Forbidden, Policy
from agentos.speech.heard import Heard, NotHeard

SECONDS = 180.0
MOST = 25_000_000  # bytes of a recording that OpenAI's own server takes
LARGEST = 4_000_000  # bytes of an answer
# By what it is: how such a file is called, since servers look at the ending.
ENDINGS = {
    "audio/webm": "webm",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
}
KEY, BUSY = frozenset({401, 402, 403}), 429


async def write_down(data: bytes, mime: str, language: str) -> Heard:
    """Raises NotHeard."""
    if len(data) > MOST:
        raise NotHeard(_("This recording is too large to be written down."), 413)
    base, key = app_settings.SPEECH_URL.rstrip("/"), app_settings.SPEECH_KEY
    asked = {"model": app_settings.SPEECH_MODEL, "response_format": "json", **({"language": language} if language else {})}
    policy = Policy(total=SECONDS, answer_limit=LARGEST, trusted=(urlsplit(base).hostname or "",))  # the operator named it
    file = (f"recording.{ENDINGS.get(mime, 'webm')}", data, mime)
    try:
        async with guarded_http.async_client(policy) as client:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            answer = await client.post(f"{base}/audio/transcriptions", data=asked, files={"file": file}, headers=headers)
    except (Forbidden, httpx2.HTTPError, TimeoutError):
        raise NotHeard(_("The server that writes down what is said cannot be reached now. Try again in a moment.")) from None
    if answer.is_success:
        return await asyncio.to_thread(_heard, answer.content)
    raise NotHeard(_sentence(answer.status_code))


def _sentence(status: int) -> str:
    if status in KEY:
        return _("The server that writes down what is said refused to answer. Its key may be wrong or used up.")
    if status == BUSY:
        return _("The server that writes down what is said was asked too often. Try again in a minute.")
    return _("The server that writes down what is said does not work now: it answered with %(status)s.") % {"status": status}


def _heard(content: bytes) -> Heard:
    try:
        found: Any = json.loads(content)
        return Heard(str(found["text"]), str(found.get("language") or ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NotHeard(_("What the server that writes down what is said answered cannot be read.")) from None
