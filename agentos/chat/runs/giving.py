"""The files that a model is given with a message, and those of earlier turns: read from the storage, and as text where it needs that."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from agentos import speech
from agentos.agents import abilities, media
from agentos.agents.history import Turn
from agentos.agents.media import BYTES, BYTES_OF_A_PICTURE, COMMON, PDF_MIME, TURNS_AGAIN, WEBP, Attached, Given
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import split
from agentos.agents.specs import AgentSpec
from agentos.chat import recordings
from agentos.core.reading import documents
from agentos.files import storage
from agentos.files.models import Attachment, Kind
from agentos.speech import NotHeard

READ = frozenset({Kind.TEXT, Kind.DOCUMENT})


@dataclass(frozen=True, slots=True)
class Files:
    """Rows, each with its blob. ``earlier``: of the turns of a history, by their place in it."""

    message: Sequence[Attachment] = ()
    earlier: Mapping[int, Sequence[Attachment]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.message or self.earlier)

    def attached(self) -> tuple[Attached, ...]:
        """Return those that can be read on, the newest first."""
        rows = [*self.message, *(row for place in sorted(self.earlier, reverse=True) for row in self.earlier[place])]
        return tuple(Attached(row.file_id, row.name, _reader(row)) for row in rows if row.kind in READ)


def models_of(spec: AgentSpec) -> tuple[str, ...]:
    """Return the models that the message may go to."""
    first = spec.members[0] if spec.kind == DjangoAgent.Kind.STEPS and spec.members else spec
    return (first.model, *first.fallbacks)


async def given(rows: Sequence[Attachment], spec: AgentSpec, *, with_text: bool = True) -> list[Given]:
    """Return the files of a message as they are given to the models of the agent."""
    models = models_of(spec)
    able = {model: abilities.media_of(model, spec.model_options if model == spec.model else None) for model in models}
    reads_all = all(each.reads_pdf for each in able.values())
    found = [await _given(row, models, with_text=with_text, reads_pdf=reads_all) for row in rows]
    for place, row in enumerate(rows):
        hear_it = row.kind != Kind.AUDIO or all(media.hears(model, row.mime, able[model]) for model in models)
        if with_text and not hear_it:
            found[place] = await _with_words(found[place], row)
    return found


async def _with_words(found: Given, row: Attachment) -> Given:
    """The recording with what is said in it, for models that do not hear."""
    if not speech.is_offered():
        return found
    try:
        words = await recordings.words_of(row.blob)
    except NotHeard as error:
        return replace(found, trouble=str(error))
    return replace(found, transcript=words, seconds=row.blob.seconds)


async def with_pictures(history: Sequence[Turn], earlier: Mapping[int, Sequence[Attachment]], spec: AgentSpec) -> list[Turn]:
    """Return the history with the pictures of its last turns at hand."""
    shown = list(history)
    models = models_of(spec)
    for place in range(max(0, len(shown) - TURNS_AGAIN), len(shown)):
        pictures = [row for row in earlier.get(place, ()) if row.is_picture]
        if pictures:
            files = [await _given(row, models, with_text=False, reads_pdf=False) for row in pictures]
            shown[place] = replace(shown[place], files=tuple(files))
    return shown


async def _given(row: Attachment, models: Collection[str], *, with_text: bool, reads_pdf: bool) -> Given:
    blob = row.blob
    found = Given(row.file_id, row.name, blob.kind, blob.mime, blob.size, blob.width, blob.height, blob.seconds)
    if blob.kind == Kind.PICTURE:
        small = await _bytes(blob.small_name or blob.storage_name)
        wants_all = blob.mime in COMMON and blob.size <= BYTES_OF_A_PICTURE and any(split(model)[0] not in WEBP for model in models)
        return replace(found, small=small, data=await _bytes(blob.storage_name) if wants_all else b"")
    if blob.kind == Kind.AUDIO:
        return replace(found, data=await _bytes(blob.storage_name) if blob.size <= BYTES else b"")
    if blob.kind in READ and blob.mime == PDF_MIME and blob.size <= BYTES:
        found = replace(found, data=await _bytes(blob.storage_name))
    if blob.kind not in READ or not with_text or (found.data and reads_pdf):
        return found
    try:
        return replace(found, document=await _reader(row)())
    except documents.UnreadableFile as error:
        return replace(found, trouble=str(error))


def _reader(row: Attachment) -> Callable[[], Awaitable[documents.File]]:
    name, stored = row.name, row.blob.storage_name

    async def read() -> documents.File:
        return await documents.file(await _bytes(stored), name)

    return read


async def _bytes(name: str) -> bytes:
    """Nothing where it is not there any more: the model is told that there was a file."""
    try:
        return await asyncio.to_thread(partial(storage.fetch, name))
    except OSError:
        return b""
