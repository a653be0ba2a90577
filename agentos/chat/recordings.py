"""What is said in recordings of chats: written down once, and kept with their bytes."""

import asyncio
from functools import partial

from django.utils.translation import gettext as _

from agentos import speech
from agentos.access.queries import language_of
from agentos.access.users import User
from agentos.core import db
from agentos.core.ratelimit import limits
from agentos.files import storage
from agentos.files.models import Blob, Kind
from agentos.speech import NotHeard

A_MINUTE = 60  # recordings of one person


def check(user: User, blob: Blob) -> None:
    """Raises NotHeard for what is no recording, and ``Problem`` 429."""
    if blob.kind != Kind.AUDIO:
        raise NotHeard(_("There is nothing to hear in this file."), 409)
    if blob.transcript is None:
        limits.check("recordings", str(user.pk), limit=A_MINUTE, seconds=60)


async def words_of(blob: Blob) -> str:
    """Return what is said in it, in the language that its owner speaks, or in any; empty where nobody speaks. Raises NotHeard."""
    if blob.transcript is not None:
        return blob.transcript
    try:
        data = await asyncio.to_thread(partial(storage.fetch, blob.storage_name))
    except OSError:
        raise NotHeard(_("This recording is not there any more.")) from None
    language = await db.read(language_of, blob.owner_id)
    heard = await speech.write_down(data, blob.mime, language)
    await db.write(_keep, blob, heard)
    return heard.text


def _keep(blob: Blob, heard: speech.Heard) -> None:
    blob.transcript = heard.text
    blob.seconds = blob.seconds if blob.seconds is not None else heard.seconds
    Blob.objects.filter(pk=blob.pk).update(transcript=blob.transcript, seconds=blob.seconds)
