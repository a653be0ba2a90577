"""Reads and indexes documents on the loop of this server, two at a time, beside whoever chats: the reading is another process's work, as
are embedded vectors, and what is written is little at a time.

A server that stops gives its documents back; of one that dies they are free after a minute. Either way another goes on where it was.
"""

import asyncio
import contextlib
import logging
from datetime import timedelta
from functools import partial

from django.db import DatabaseError

from agentos.core import db, reading
from agentos.core.pubsub import loops, pubsub
from agentos.core.reading import UnreadableFile
from agentos.files import storage
from agentos.files.errors import NotReached
from agentos.knowledge import embedding, indexing, pgvector, wakeup
from agentos.knowledge.actions import TEXT_NAME
from agentos.knowledge.fetching import NotFetched, fetched
from agentos.knowledge.indexing import BATCH, LetGo
from agentos.knowledge.models import Document

log = logging.getLogger(__name__)

AT_ONCE = 2
ROUND_SECONDS = 5.0  # at most: another process may have died over something, or could not be heard
STALE_EVERY = 600.0  # seconds between two looks for vectors of another model
VECTORS = 8  # passages that are embedded in one go: a question that comes meanwhile waits for so many
LATER = timedelta(minutes=10)  # until vectors are tried again


def topic(base_pk: int) -> str:
    return f"knowledge:{base_pk}"


class Indexer:
    """``start`` and ``stop`` belong to the server's lifespan."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.woken = asyncio.Event()
        self.rounds: asyncio.Task[None] | None = None
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.looked = float("-inf")

    def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        wakeup.use(self.wake)
        self.rounds = asyncio.create_task(self._go_round())

    async def stop(self) -> None:
        wakeup.use(None)
        tasks = [each for each in (self.rounds, *self.tasks.values()) if each]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await embedding.close()

    def wake(self) -> None:
        """From any thread."""
        if self.loop:
            loops.call_soon(self.loop, self.woken.set)

    async def _go_round(self) -> None:
        while True:
            try:
                await self._round()
            except Exception:
                log.exception("Documents could not be indexed now; trying again.")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self.woken.wait()

    async def _round(self) -> None:
        self.woken.clear()
        room = AT_ONCE - len(self.tasks)
        if room <= 0:
            return
        found = await db.read(indexing.due, AT_ONCE + room)
        assert self.loop
        if not found and embedding.model() and self.loop.time() - self.looked > STALE_EVERY:
            await _fill_column()
            found = await db.read(indexing.stale, embedding.model(), room)
            if not found:
                self.looked = self.loop.time()
        for pk in [pk for pk in found if pk not in self.tasks][:room]:
            task = self.tasks[pk] = asyncio.create_task(index(pk))
            task.add_done_callback(lambda _, pk=pk: self._done(pk))  # type: ignore[misc]

    def _done(self, pk: int) -> None:
        del self.tasks[pk]
        self.woken.set()  # there is room again


async def _fill_column() -> None:
    """Without the column, for example for want of the right to make one, processes compare the vectors."""
    try:
        while await db.write(pgvector.fill):
            pass
    except DatabaseError:
        log.warning("PostgreSQL cannot compare vectors now; this process does.", exc_info=True)


async def index(pk: int) -> None:
    """Take a document from where it is to its end. Raises nothing but CancelledError."""
    document = await db.write(indexing.claim, pk)
    if document is None:
        return
    living = asyncio.create_task(_live(document))
    try:
        failure = await _indexed(document)
        if failure is not None:
            await db.write(indexing.end, document, failure)
    except LetGo:
        pass
    except asyncio.CancelledError:
        await asyncio.shield(db.write(indexing.give_back, document))
        raise
    except Exception:
        log.exception("Document %s could not be indexed.", pk)
        with contextlib.suppress(LetGo):
            await db.write(indexing.end, document, "internal")
    finally:
        living.cancel()
        pubsub.publish(topic(document.base_id))


async def _live(document: Document) -> None:
    """Renew its lease while a file is read, or a page is fetched."""
    while True:
        await asyncio.sleep(indexing.LEASE.total_seconds() / 4)
        with contextlib.suppress(Exception):
            await db.write(indexing.keep, document)


async def _indexed(document: Document) -> str | None:
    """Return why it failed, nothing when it is there; None where its end is told already."""
    if document.status == Document.Status.READING:
        try:
            file, title = await _read(document)
        except UnreadableFile as refused:
            return refused.code
        except NotFetched as refused:
            return refused.code
        await db.write(indexing.store_pages, document, file, title)
        document.status = Document.Status.INDEXING
    if document.status == Document.Status.INDEXING:
        await _cut(document)
    return await _embedded(document)


async def _read(document: Document) -> tuple[reading.File, str]:
    if document.source == Document.Source.PAGE:
        return await fetched(document.url)
    try:
        data = await asyncio.to_thread(partial(storage.fetch, document.blob.storage_name)) if document.blob else None
    except FileNotFoundError:
        data = None
    except NotReached:
        raise NotFetched("files_away") from None
    if data is None:
        raise NotFetched("gone")
    return await reading.file(data, document.title if document.source == Document.Source.FILE else TEXT_NAME), ""


async def _cut(document: Document) -> None:
    found = await db.read(indexing.passages_of, document)
    done = await db.read(indexing.stored, document)
    for first in range(done, len(found), BATCH):
        batch = found[first : first + BATCH]
        searchable = await asyncio.to_thread(indexing.searchable_of, document, batch)
        await db.write(indexing.store_passages, document, first, batch, searchable, len(found))
        pubsub.publish(topic(document.base_id))


async def _embedded(document: Document) -> str | None:
    model = embedding.model()
    if not model:
        return ""
    await db.write(indexing.begin_vectors, document, model)
    while batch := await db.read(indexing.without_vector, document, VECTORS):
        try:
            vectors = await embedding.embed([f"{heading}\n{text}" if heading else text for _pk, heading, text in batch])
        except embedding.NoEmbedding as problem:
            log.warning("Document %s is found by its words only for now: %s", document.pk, problem)
            await db.write(indexing.end, document, "", LATER)
            return None
        await db.write(indexing.store_vectors, document, [(pk, vector) for (pk, _h, _t), vector in zip(batch, vectors, strict=True)])
    await db.write(indexing.end_vectors, document, model)
    return ""
