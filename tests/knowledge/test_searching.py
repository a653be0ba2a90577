"""What is found: cutting, words of many languages, the order, and that nothing is found where nothing fits."""

import pytest

from agentos.access.models import User
from agentos.knowledge import full_text, words
from agentos.knowledge.chunking import SIZE, passages
from agentos.knowledge.models import Chunk
from agentos.knowledge.searching import DOUBTFUL, Question, search
from tests.knowledge.made import HOUSE, base_of

pytestmark = pytest.mark.django_db(transaction=True)


def found(bases, question: str) -> list[str]:
    return [hit.chunk.text for hit in search([base.pk for base in bases], Question(question))]


class TestCutting:
    def test_keeps_page_place_and_heading(self):
        long = "\n\n".join(f"{'word ' * 40}{n}." for n in range(20))
        pages = [(1, f"# A\n\n{long}"), (2, "## B\n\nshort"), (3, "tail of B")]
        cut = list(passages(pages))
        assert all(len(each.text) <= SIZE for each in cut)
        for each in cut:
            assert dict(pages)[each.page][each.start : each.end].strip() == each.text
        assert [each.heading for each in cut][-2:] == ["A › B", "A › B"]
        assert "".join(each.text for each in cut if each.page == 1).count("word") == 800

    def test_cuts_what_has_no_end(self):
        cut = list(passages([(1, "x" * 5_000)]))
        assert sum(len(each.text) for each in cut) == 5_000
        assert max(len(each.text) for each in cut) == SIZE


class TestWords:
    def test_are_without_capitals_accents_and_blanks_between_chinese(self):
        assert words.searchable("Größe ÉCOLE") == "grosse x0gross ecole x0ecole"
        assert words.searchable("東京都") == "東京 京都"
        assert [each[0] for each in words.terms("What is the KEY of the yard?")] == ["key", "yard"]
        assert words.terms("who are you")  # a question of nothing but such words still asks something


class TestSearch:
    def test_finds_in_many_languages_what_is_said_in_other_forms(self, member: User):
        texts = {
            "Die Kündigungsfristen betragen drei Monate zum Quartalsende.": "Wie lang ist die Kündigungsfrist?",
            "Les vélos électriques se rechargent à la cave.": "Où recharger mon vélo électrique ?",
            "Мусор вывозят по вторникам.": "Когда вывозят мусор?",
            "会議室は三階にあります。": "会議室はどこですか",
            "Los paquetes se recogen en portería.": "¿Dónde recojo un paquete?",
        }
        base = base_of(member, HOUSE, *texts)
        for text, question in texts.items():
            assert found([base], question)[0] == text

    def test_says_nothing_where_nothing_fits(self, member: User):
        base = base_of(member, HOUSE)
        assert "trombone" in found([base], "When may I play my trombone?")[0]
        assert found([base], "What is the capital of Mongolia?") == []
        assert found([base], "") == []
        assert found([], "trombone") == []

    def test_says_what_fits_and_what_only_comes_near(self, member: User):
        base = base_of(member, HOUSE)
        for question, fits in (("When may I play the trombone?", True), ("How many teeth has a crocodile in the morning?", False)):
            assert [hit.fits for hit in search([base.pk], Question(question))] == [fits]

    def test_gives_few_passages_where_none_fits(self, member: User):
        base = base_of(member, *(f"On morning {number} a bird sings." for number in range(9)))
        assert len(search([base.pk], Question("Which teeth has a crocodile in the morning?"))) == DOUBTFUL
        assert len(search([base.pk], Question("Does a bird sing in the morning?"))) == 8

    def test_never_looks_into_other_bases(self, member: User, stranger: User):
        mine, foreign = base_of(member, "The blue heron nests here."), base_of(stranger, "The blue heron sleeps there.")
        assert found([mine], "Where is the blue heron?") == ["The blue heron nests here."]
        assert found([foreign], "Where is the blue heron?") == ["The blue heron sleeps there."]

    @pytest.mark.parametrize(
        "question", ["'; DROP TABLE knowledge_chunk; --", '" OR 1 NEAR *', "a:b & !c <-> (d", "\\ % _ ' \0", "x" * 50_000]
    )
    def test_takes_whatever_is_asked(self, member: User, question):
        base = base_of(member, HOUSE)
        found([base], question)
        assert Chunk.objects.filter(base=base).exists()

    def test_the_index_forgets_what_is_deleted(self, member: User):
        base = base_of(member, "A zeppelin lands.")
        assert full_text.counts(["zeppelin"]) == {"zeppelin": 1}
        base.delete()
        assert full_text.counts(["zeppelin"]) == {"zeppelin": 0}
