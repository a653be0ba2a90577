"""Who may read and change which bases, and what becomes of what is put into them."""

import asyncio
from datetime import timedelta

import pytest

from agentos.access.models import Team, User
from agentos.core.db import database_clock
from agentos.files import storage
from agentos.files.errors import NotReached
from agentos.files.models import Blob
from agentos.knowledge import actions, fetching, indexer, indexing, queries
from agentos.knowledge.errors import BadKnowledge, NotYourBase, SameName
from agentos.knowledge.models import Chunk, Document, Page
from tests.core import files
from tests.knowledge.made import HOUSE, base_of, index_all, only

pytestmark = pytest.mark.django_db(transaction=True)


def given(by: User, name: str, data: bytes) -> tuple[str, Blob]:
    return name, actions.stored(by=by, name=name, data=data)


class TestRights:
    def test_are_of_a_person_a_team_or_everyone(self, owner: User, member: User, stranger: User, operator: User, support: Team):
        own = actions.create_base(name="Mine", by=member)
        teams = actions.create_base(name="Ours", team=support, by=owner)
        everyones = actions.create_base(name="All", scope="everyone", by=operator)
        assert set(queries.bases_for(member)) == {own, teams, everyones}
        assert set(queries.bases_for(owner)) == {teams, everyones}
        assert set(queries.bases_for(stranger)) == {everyones}
        assert set(queries.bases_for(operator)) == {teams, everyones}  # what is one's own, nobody else reads
        assert set(queries.bases_to_edit(member)) == {own}
        assert set(queries.bases_to_edit(owner)) == {teams}
        for who, base in ((member, teams), (owner, everyones), (stranger, own), (operator, own)):
            with pytest.raises(NotYourBase):
                actions.add_text(base=base, title="", text="x", by=who)
            with pytest.raises(NotYourBase):
                actions.delete_base(base=base, by=who)
        with pytest.raises(NotYourBase):
            actions.create_base(name="X", team=support, by=member)
        with pytest.raises(NotYourBase):
            actions.create_base(name="X", scope="everyone", by=owner)

    def test_end_with_the_membership(self, owner: User, member: User, support: Team):
        teams = actions.create_base(name="Ours", team=support, by=owner)
        assert [each.pk for each in queries.readable([teams.pk], member.pk)] == [teams.pk]
        member.memberships.all().delete()
        assert queries.readable([teams.pk], member.pk) == []
        document = actions.add_text(base=teams, title="", text="x", by=owner)
        assert queries.document_for(member, document.pk) is None

    def test_an_agent_has_what_is_its_teams_and_everyones(self, owner: User, member: User, operator: User, support: Team):
        actions.create_base(name="Same", scope="everyone", by=operator)
        teams = actions.create_base(name="Same", team=support, by=owner)
        actions.create_base(name="Mine", by=member)
        assert [each.pk for each in queries.chosen(["Mine", "Same"], support.pk)] == [teams.pk]
        assert queries.missing(["Mine", "Same"], None) == ["Mine"]
        with pytest.raises(SameName):
            actions.create_base(name=" Same ", team=support, by=owner)


class TestDocuments:
    def test_are_read_cut_and_found_with_their_pages(self, member: User):
        base = actions.create_base(name="B", by=member)
        actions.add_files(base=base, files=[given(member, "kiln.pdf", files.pdf()), given(member, "house.md", HOUSE.encode())], by=member)
        index_all()
        kiln, house = Document.objects.filter(base=base).order_by("pk")
        assert (kiln.status, kiln.kind, kiln.unit, kiln.page_count, kiln.done) == ("ready", "pdf", "page", 2, 2)
        assert kiln.outline == [[1, "Firing 1", 1], [1, "Firing 2", 2]]
        assert [chunk.page for chunk in Chunk.objects.filter(document=kiln)] == [1, 2]
        assert Chunk.objects.filter(document=house).first().heading.startswith("Rules of the house")  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("data", "failure"),
        [(files.scan(), "scanned"), (files.pdf(password="x"), "encrypted"), (b"%PDF-1.7\nnothing of the kind", "unreadable")],
    )
    def test_say_why_they_cannot_be_read_and_are_tried_again(self, member: User, data, failure):
        base = actions.create_base(name="B", by=member)
        actions.add_files(base=base, files=[given(member, "a.pdf", data)], by=member)
        index_all()
        document = only(base)
        assert (document.status, document.failure) == ("failed", failure)
        assert len(document.failure_sentence) > 30
        Document.objects.update(blob=given(member, "a.pdf", files.pdf())[1])
        assert actions.try_again(document=document, by=member)
        assert not actions.try_again(document=document, by=member)  # it waits already
        index_all()
        assert only(base).status == "ready"

    def test_whose_storage_is_away_are_tried_again_later(self, member: User, monkeypatch):
        base = actions.create_base(name="B", by=member)
        actions.add_files(base=base, files=[given(member, "house.md", HOUSE.encode())], by=member)

        def away(_name):
            raise NotReached

        with monkeypatch.context() as patched:
            patched.setattr(storage, "fetch", away)
            index_all()
        assert only(base).failure == "files_away"
        assert "does not answer" in only(base).failure_sentence
        actions.try_again(document=only(base), by=member)
        index_all()
        assert only(base).status == "ready"

    def test_of_the_web_are_fetched_anew(self, member: User, monkeypatch):
        said = ["First words."]

        async def fetched(url):
            return fetching.as_file(f"# Head\n\n{said[0]}"), "A page"

        monkeypatch.setattr(indexer, "fetched", fetched)
        base = actions.create_base(name="B", by=member)
        actions.add_page(base=base, url="example.org/a", by=member)
        index_all()
        document = only(base)
        assert (document.title, document.url, document.outline) == ("A page", "https://example.org/a", [[1, "Head", 1]])
        said[0] = "Second words."
        actions.try_again(document=document, by=member)
        index_all()
        assert [page.text for page in Page.objects.filter(document=document)] == ["# Head\n\nSecond words."]
        assert Chunk.objects.filter(document=document).count() == 1

    @pytest.mark.parametrize("url", ["", "http://127.0.0.1/", "file:///etc/passwd", "http://169.254.169.254/x", "javascript:alert(1)"])
    def test_are_never_of_this_network(self, member: User, url):
        base = actions.create_base(name="B", by=member)
        with pytest.raises(BadKnowledge) as refused:
            actions.add_page(base=base, url=url, by=member)
        assert refused.value.field == "url"

    def test_are_gone_with_their_passages(self, member: User):
        base = base_of(member, HOUSE)
        actions.delete_document(document=only(base), by=member)
        assert not Chunk.objects.filter(base=base).exists()


class TestWork:
    def test_goes_on_where_it_was_left(self, member: User, monkeypatch):
        """Whoever indexes dies after a batch; another takes over when the minute is over, and does nothing twice."""
        base = actions.create_base(name="B", by=member)
        text = "\n\n".join(f"# Part {n}\n\n{'words of it ' * 90}" for n in range(150))
        document = actions.add_text(base=base, title="", text=text, by=member)
        store, stored = indexing.store_passages, []

        def dying(claimed, first, found, *rest):
            store(claimed, first, found, *rest)
            stored.append(first)
            raise KeyboardInterrupt

        monkeypatch.setattr(indexing, "store_passages", dying)
        monkeypatch.setattr(indexing, "give_back", lambda _document: None)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(indexer.index(document.pk))
        monkeypatch.setattr(indexing, "store_passages", store)
        half = only(base)
        assert (half.status, half.done, Chunk.objects.count()) == ("indexing", 64, 64)
        assert indexing.due(9) == []  # somebody has it, as far as anybody knows
        Document.objects.update(lease_until=database_clock.now() - timedelta(seconds=1))
        firsts = set(Chunk.objects.values_list("pk", flat=True))
        index_all()
        whole = only(base)
        assert (whole.status, whole.done) == ("ready", whole.total)
        assert Chunk.objects.count() == whole.total
        assert firsts <= set(Chunk.objects.values_list("pk", flat=True))

    def test_is_given_up_by_who_has_lost_it(self, member: User):
        base = actions.create_base(name="B", by=member)
        document = actions.add_text(base=base, title="", text="x", by=member)
        first = indexing.claim(document.pk)
        assert first is not None
        assert indexing.claim(document.pk) is None
        Document.objects.update(lease_until=None)
        assert indexing.claim(document.pk) is not None
        with pytest.raises(indexing.LetGo):
            indexing.end(first)
