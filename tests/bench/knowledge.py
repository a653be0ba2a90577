"""How well and how fast knowledge is found: `python -m tests.bench.knowledge [--ways none,embedded] [--pages N] [--chunks N] [--misses]`

The texts and questions of ``questions/`` were written for this, in English, German, French and Spanish; the documents of ``docs/`` lie
among them, so that there is more to be wrong about. All of it is one base, asked through the tool that agents have. Most questions ask in
quite other words than the text, some nearly in its words; the passage that answers one has the words behind ``=>``. Nothing behind it: no
text says anything about it. A question mark: a text is about the subject, and does not say it, which no search can tell, so it is counted
apart.

Goals: MRR >= 0.75 with embeddings, and for 95 % of the questions that nothing answers it is not said that something fits; 1,000 pages
indexed in 300 s embedded, in 10 s by words alone; a search of 100,000 passages in 0.3 s.
"""

import argparse
import asyncio
import os
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests import postgres

HERE = Path(__file__).with_name("questions")
DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("en", "de", "fr", "es")
WAYS = {"none": "words alone", "embedded": "words and meaning"}
NONE, NEAR = "Not in the texts", "Near by"
FIRST = 5  # of R@5
PAGE = 3_000  # characters
DIMENSIONS = 384
ROUNDS = 20


@dataclass(frozen=True)
class Asked:
    """``answer``: words that the passage has which answers it; empty without one. ``kind``: as its part of the file is called; NEAR: a text
    is about the same, and does not say it."""

    language: str
    kind: str
    text: str
    answer: str


@dataclass(frozen=True)
class Found:
    """``fits``: whether what was found was said to fit, None where nothing was found. ``rank``: of the passage that answers, from 1 on; 0
    where it was not found. ``judged``: what the judge says of the answer."""

    asked: Asked
    fits: bool | None
    rank: int
    judged: str


def questions() -> list[Asked]:
    found = []
    for language in LANGUAGES:
        kind = ""
        for line in filter(None, (HERE / f"{language}.txt").read_text().splitlines()):
            if line.startswith("## "):
                kind = line.removeprefix("## ")
                continue
            text, _, answer = (part.strip() for part in line.partition("=>"))
            found.append(Asked(language, NEAR, text, "") if answer == "?" else Asked(language, kind, text, answer))
    return found


def documents() -> list[tuple[str, str]]:
    """Return titles and texts: a file of a language holds several documents, each below a heading of the first level."""
    own = [part for language in LANGUAGES for part in (HERE / f"{language}.md").read_text().split("\n# ")]
    texts = [f"# {part.removeprefix('# ')}" for part in own]
    texts += [path.read_text() for path in sorted(DOCS.glob("*.md"))]
    return [(text.partition("\n")[0].removeprefix("# "), text) for text in texts]


def judge(said: str, passages: Sequence[tuple[str, str]], asked: Asked) -> str:
    """Say of an answer whether each of its sentences stands in the passage that it names, and whether one has what was asked for."""
    from agentos.agents.runtime.library import END, NOTHING

    if said == NOTHING:
        return "nothing"
    by_number = {number: _plain(text) for number, text in passages}
    for line in said.removesuffix(END).strip().split("\n\n"):
        sentence, _, number = line.rstrip("]").rpartition(" [")
        if any(_plain(part) not in by_number.get(number, "") for part in sentence.split(" – ")):
            return "invented"
    return "right" if asked.answer and _plain(asked.answer) in _plain(said) else "grounded"


def _plain(text: str) -> str:
    return " ".join(text.split())


async def ask(base: Any, user: Any, asked: Asked) -> Found:
    from agentos.agents.runtime.library import PASSAGE, answer_of_the_library
    from agentos.agents.tools.definition import CallContext, current
    from agentos.agents.tools.search_knowledge import DOUBTFUL, NOTHING, search_knowledge

    current.set(CallContext(run_id="r", user_id=str(user.pk), session_id="s", agent_id="a", bases=(base.pk,)))
    result = (await search_knowledge(asked.text)).text
    pieces = PASSAGE.split("" if result == NOTHING else result)
    passages = list(zip(pieces[1::2], pieces[2::2], strict=True))
    hits = [rank for rank, (_number, text) in enumerate(passages, 1) if asked.answer and asked.answer in text]
    told = answer_of_the_library(asked.text, [result])
    fits = None if result == NOTHING else not result.startswith(DOUBTFUL)
    return Found(asked, fits, hits[0] if hits else 0, judge(told, passages, asked))


HEAD = "| questions | | first | R@5 | MRR | said to fit | doubtful | nothing |\n|---|---|---|---|---|---|---|---|"


def told(found: Sequence[Found], name: str) -> str:
    """Return a row of the table."""
    count = len(found)
    first, among = (sum(0 < each.rank <= most for each in found) / count for most in (1, FIRST))
    mrr = sum(1 / each.rank for each in found if each.rank) / count
    ranks = f"{first:.2f} | {among:.2f} | {mrr:.3f}" if any(each.asked.answer for each in found) else "| |"
    shares = (sum(each.fits is fits for each in found) / count for fits in (True, False, None))
    return f"| {name} | {count} | {ranks} | {' | '.join(f'{share:.0%}' for share in shares)} |"


def told_of_answers(found: Sequence[Found]) -> str:
    answered = [each for each in found if each.judged != "nothing"]
    grounded = sum(each.judged != "invented" for each in answered) / max(1, len(answered))
    there = [each for each in found if each.asked.answer]
    right = sum(each.judged == "right" for each in there) / len(there)
    foreign = [each for each in found if each.asked.kind == NONE]
    silent = sum(each.judged == "nothing" for each in foreign) / len(foreign)
    return (
        f"answers of the scripted librarian: {grounded:.0%} stand in what they name, {right:.0%} of the questions are answered with what"
        f" was asked for, and of those that nothing answers {silent:.0%} with nothing"
    )


async def quality(user: Any, shows_misses: bool) -> None:
    from agentos.core import db
    from agentos.knowledge import actions

    base = await db.write(lambda: actions.create_base(name="Questions", by=user))
    for title, text in documents():
        await asyncio.to_thread(actions.add_text, base=base, title=title, text=text, by=user)
    await index()
    found = [await ask(base, user, asked) for asked in questions()]
    there = [each for each in found if each.asked.answer]
    print(HEAD)
    for language in LANGUAGES:
        print(told([each for each in there if each.asked.language == language], language))
    for kind in dict.fromkeys(each.asked.kind for each in there):
        print(told([each for each in there if each.asked.kind == kind], kind))
    print(told(there, "all that are answered"))
    for kind in (NONE, NEAR):
        print(told([each for each in found if each.asked.kind == kind], kind))
    print(told_of_answers(found))
    for each in found if shows_misses else ():
        if (each.asked.answer and not 0 < each.rank <= FIRST) or (not each.asked.answer and each.fits):
            print(f"  {each.asked.language}  fits {each.fits}, at {each.rank}, {each.judged}: {each.asked.text}", file=sys.stderr)


async def index() -> None:
    """Do what the server does beside its requests, two documents at a time."""
    from agentos.core import db
    from agentos.knowledge import indexer, indexing

    while found := await db.read(indexing.due, indexer.AT_ONCE):
        await asyncio.gather(*map(indexer.index, found))


class Watch:
    """What this process and those that it started take at most, in MB, while it is open."""

    def __enter__(self) -> Self:
        self.most, self.beside, self.ended = 0.0, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.ended.wait(0.1):
            self.most = max(self.most, memory(os.getpid()))
            children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
            self.beside = max(self.beside, sum(memory(int(pid)) for each in children for pid in each.read_text().split()))


def _cpu() -> float:
    """Return the seconds that this process and those that it has ended used."""
    return sum(sum(resource.getrusage(whose)[:2]) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def pages(count: int, seed: int = 1) -> list[str]:
    """Return pages of the sentences of the texts, in another order."""
    sentences = [said for _title, text in documents() for said in text.replace("\n", " ").split(". ") if len(said) > 40]
    chance = random.Random(seed)
    made = []
    for number in range(count):
        text = f"# Page {number}\n\n"
        while len(text) < PAGE:
            text += ". ".join(chance.choices(sentences, k=4)) + ".\n\n"
        made.append(text)
    return made


async def indexing_of(user: Any, count: int) -> None:
    from agentos.core import db
    from agentos.knowledge import actions, embedding
    from agentos.knowledge.models import Chunk

    base = await db.write(lambda: actions.create_base(name="Pages", by=user))
    texts = pages(count)
    for first in range(0, count, 100):
        text = "\n".join(texts[first : first + 100])
        await asyncio.to_thread(actions.add_text, base=base, title=f"Pages from {first}", text=text, by=user)
    await embedding.close()
    before, used, began = memory(os.getpid()), _cpu(), time.perf_counter()
    with Watch() as watch:
        await index()
    took = time.perf_counter() - began
    await embedding.close()  # what a process has used is known when it has ended
    cpu = _cpu() - used
    passages = await db.read(lambda: Chunk.objects.filter(base=base).count())
    print(
        f"{count:,} pages, {passages:,} passages: indexed in {took:.1f} s, {cpu:.0f} s of a core, with {watch.most - before:.0f} MB more in"
        f" this process and {watch.beside:.0f} MB beside it"
    )


def fill(base: Any, user: Any, count: int, model: str) -> None:
    """Put passages into a base as they are after indexing, with vectors that mean nothing where there are some."""
    from agentos.knowledge import pgvector, words
    from agentos.knowledge.models import Base, Chunk, Document

    document = Document.objects.create(base=base, title="Many", status="ready", source="text", by=user, embedding=model)
    texts = [piece for text in pages(max(1, count // 40), 2) for piece in text.split("\n\n") if piece]
    said = [words.searchable(text) for text in texts]
    chance = random.Random(3)
    step = 5_000
    for first in range(0, count, step):
        vectors = _vectors(min(step, count - first), first) if model else [None] * step
        made = Chunk.objects.bulk_create(
            Chunk(
                base=base,
                document=document,
                number=number,
                page=1,
                start=0,
                end=10,
                text=texts[which],
                searchable=f"{said[which]} {said[other]}",
                vector=vector,
            )
            for number, vector in zip(range(first, min(first + step, count)), vectors, strict=False)
            for which, other in ((chance.randrange(len(texts)), chance.randrange(len(texts))),)
        )
        if model:
            pgvector.put([(chunk.pk, bytes(chunk.vector or b"")) for chunk in made])
    Base.objects.filter(pk=base.pk).update(version=base.version + 1)


def _vectors(count: int, seed: int) -> list[bytes]:
    import numpy as np

    made = np.random.default_rng(seed).standard_normal((count, DIMENSIONS), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return [row.tobytes() for row in made.astype("<f2")]


async def searching_of(user: Any, count: int) -> None:
    from agentos.core import db
    from agentos.knowledge import actions, embedding
    from agentos.knowledge.searching import Question, search

    base = await db.write(lambda: actions.create_base(name="Many", by=user))
    await asyncio.to_thread(fill, base, user, count, embedding.model())
    asked = [each.text for each in questions() if each.answer][::10][:ROUNDS]
    times = []
    for text in asked:
        vector = (await embedding.embed([text]))[0] if embedding.model() else None
        began = time.perf_counter()
        await db.read(search, [base.pk], Question(text, vector))
        times.append(time.perf_counter() - began)
    first, rest = times[0], sorted(times[1:])
    print(
        f"{count:,} passages: searched in {statistics.median(rest) * 1000:.0f} ms, at most {rest[-1] * 1000:.0f} ms;"
        f" the first time {first * 1000:.0f} ms"
    )


async def measure(way: str, chosen: argparse.Namespace) -> None:
    from django.test.utils import override_settings

    from agentos.core import db
    from agentos.knowledge import embedding

    with override_settings(AGENTOS_EMBEDDINGS=way):
        if missing := embedding.missing():
            print(f"\n{WAYS[way]}: {missing}")
            return
        user = await db.write(_somebody, way)
        print(f"\n{WAYS[way]}\n")
        await quality(user, chosen.misses)
        if chosen.pages:
            await indexing_of(user, chosen.pages)
        if chosen.chunks:
            await searching_of(user, chosen.chunks)
        await embedding.close()
        await db.write(user.delete)


def _somebody(name: str) -> Any:
    from agentos.access.users import User

    return User.objects.create_user(name, f"{name}@example.com")


async def main(chosen: argparse.Namespace) -> None:
    from agentos.core import db

    for way in chosen.ways.split(","):
        await measure(way, chosen)
    db.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--misses", action="store_true", help="name the questions that went wrong")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--pgvector", action="store_true", help="let PostgreSQL compare vectors")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server() if arguments.database == "postgres" else nullcontext("") as url,
    ):
        os.environ.update(
            DJANGO_SETTINGS_MODULE="site_config.settings",
            AGENTOS_LOCAL="1",
            AGENTOS_LOCAL_MODEL="0",
            AGENTOS_DATA_DIR=folder,
            AGENTOS_EMBEDDINGS="none",
            LOG_LEVEL="ERROR",
            **({"DATABASE_URL": url} if url else {}),
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        if arguments.pgvector:
            from django.db import connection

            from agentos.knowledge import pgvector

            with connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION vector")
            pgvector.fill()
        asyncio.run(main(arguments))
