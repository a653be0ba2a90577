"""Voices of a server that speaks OpenAI's protocol: what is read aloud, a sentence at a time. Those of browsers need nothing of ours."""

import hashlib
from collections import OrderedDict
from typing import ClassVar
from urllib.parse import urlsplit

import httpx2
from django.utils.translation import gettext as _

from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.security import guarded_http
from agentos.core.security.guarded_http import Forbidden, Policy

SECONDS = 60.0
LARGEST = 8_000_000  # bytes of a sound
LONGEST = 2_000  # characters of a sentence
KEPT = 16_000_000  # bytes of sounds that were made
KINDS = {b"ID3": "audio/mpeg", b"OggS": "audio/ogg", b"RIFF": "audio/wav", b"fLaC": "audio/flac"}
BUSY = 429


class NotSpoken(Problem):
    """Its sentence is for people."""

    code = "not_spoken"


class _Kept:
    """The sounds that were made last: the same sentence is read again to whoever asks again."""

    sounds: ClassVar["OrderedDict[str, bytes]"] = OrderedDict()
    size = 0


def is_offered() -> bool:
    return bool(app_settings.VOICE_URL)


async def say(text: str) -> tuple[bytes, str]:
    """Return the sound of a sentence, and its type. Raises NotSpoken."""
    said = " ".join(text.split())
    if not said or len(said) > LONGEST:
        raise NotSpoken(422, _("Between one and %(limit)s characters are read at once.") % {"limit": LONGEST})
    if not is_offered():
        raise NotSpoken(503, _("No voice is set up here."))
    whole = "\0".join((app_settings.VOICE_URL, app_settings.VOICE_MODEL, app_settings.VOICE_NAME, said))
    key = hashlib.sha256(whole.encode()).hexdigest()
    if (sound := _Kept.sounds.get(key)) is None:
        sound = await _asked(said)
        _keep(key, sound)
    _Kept.sounds.move_to_end(key)
    return sound, next((kind for start, kind in KINDS.items() if sound.startswith(start)), "audio/mpeg")


async def _asked(text: str) -> bytes:
    base, key = app_settings.VOICE_URL.rstrip("/"), app_settings.VOICE_KEY
    asked = {"model": app_settings.VOICE_MODEL, "voice": app_settings.VOICE_NAME, "input": text, "response_format": "mp3"}
    policy = Policy(total=SECONDS, answer_limit=LARGEST, trusted=(urlsplit(base).hostname or "",))  # the operator named it
    try:
        async with guarded_http.async_client(policy) as client:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            answer = await client.post(f"{base}/audio/speech", json=asked, headers=headers)
    except (Forbidden, httpx2.HTTPError, TimeoutError):
        raise NotSpoken(503, _("The server of voices cannot be reached now.")) from None
    if answer.status_code == BUSY:
        raise NotSpoken(503, _("The server of voices was asked too often. Try again in a minute."))
    if not answer.is_success or not answer.content:
        raise NotSpoken(503, _("The server of voices does not work now: it answered with %(status)s.") % {"status": answer.status_code})
    return answer.content


def _keep(key: str, sound: bytes) -> None:
    if key not in _Kept.sounds:
        _Kept.size += len(sound)
    _Kept.sounds[key] = sound
    while _Kept.size > KEPT:
        _Kept.size -= len(_Kept.sounds.popitem(last=False)[1])


def forget() -> None:
    _Kept.sounds.clear()
    _Kept.size = 0
