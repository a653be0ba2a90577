"""The pages of knowledge: making a base, adding to it, watching, looking what is found, and reading where a source leads."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Team, User
from agentos.knowledge.models import Base, Document
from tests.core import files
from tests.factories import BaseFactory
from tests.html import page
from tests.knowledge.made import HOUSE, base_of, index_all, only

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/agentos/knowledge/"


def test_a_member_makes_a_base_of_their_own_and_fills_it(as_member: Client, member: User) -> None:
    assert "No knowledge yet" in page(as_member.get(URL)).text(".empty")
    got = as_member.post(f"{URL}new/", {"name": "  ", "scope": "person"})
    assert got.status_code == 422
    assert "Give it a name" in page(got).text("#base-name-error")
    as_member.post(f"{URL}new/", {"name": "House", "scope": "person"})
    base = Base.objects.get()
    assert base.owner == member
    as_member.post(f"{URL}{base.pk}/add/", {"add": "text", "title": "", "text": HOUSE})
    assert "still being read" in page(as_member.get(f"{URL}{base.pk}/")).text("#documents")
    index_all()
    found = page(as_member.get(f"{URL}{base.pk}/?ask=trombone+at+night"))
    assert "Rules of the house" in found.text("#documents")
    assert "nobody plays the trombone" in found.text("#ask")
    link = str(found.one("#ask .hits a")["href"])
    assert "nobody plays the trombone" in page(as_member.get(link.partition("#")[0])).text("#passage")
    assert "comes nearest" not in found.text("#ask")
    assert "Nothing in it fits" in page(as_member.get(f"{URL}{base.pk}/?ask=capital+of+Mongolia")).text("#ask")
    assert "comes nearest" in page(as_member.get(f"{URL}{base.pk}/?ask=teeth+of+crocodiles+in+the+morning")).text("#ask")


def test_for_a_team_and_for_everyone_only_who_may(as_owner: Client, as_member: Client, as_operator: Client, support: Team) -> None:
    as_owner.post(f"{URL}new/", {"name": "Ours", "scope": f"team:{support.pk}"})
    assert Base.objects.get(name="Ours").team == support
    assert as_member.post(f"{URL}new/", {"name": "X", "scope": f"team:{support.pk}"}).status_code == 403
    assert as_member.post(f"{URL}new/", {"name": "X", "scope": "everyone"}).status_code == 403
    as_operator.post(f"{URL}new/", {"name": "All", "scope": "everyone"})
    assert Base.objects.get(name="All").team is None


def test_files_come_in_slices(as_member: Client, member: User) -> None:
    base, data = BaseFactory(owner=member), files.pdf()
    begun = as_member.post(f"{URL}{base.pk}/upload/", {"name": "kiln.pdf", "size": len(data)})
    assert begun.status_code == 201
    url = json.loads(begun.content)["url"]
    assert as_member.put(f"{url}0/", data, content_type="application/octet-stream").status_code == 204
    done = as_member.post(url)
    assert done.status_code == 201
    index_all()
    document = only(base)
    assert (document.title, document.status, document.page_count) == ("kiln.pdf", "ready", 2)
    second = page(as_member.get(f"{URL}documents/{document.pk}/?page=2"))
    assert "on page 2" in second.text(".document-page")
    assert second.all(".outline a")[1]["href"] == "?page=2"


def test_what_failed_says_why_and_is_tried_again(as_member: Client, member: User) -> None:
    base = BaseFactory(owner=member)
    from django.core.files.uploadedfile import SimpleUploadedFile

    given = SimpleUploadedFile("scan.pdf", files.scan())
    as_member.post(f"{URL}{base.pk}/add/", {"add": "files", "files": given})
    index_all()
    found = page(as_member.get(f"{URL}{base.pk}/"))
    assert "holds pictures of pages" in found.text("#documents .error")
    document = only(base)
    as_member.post(f"{URL}documents/{document.pk}/again/")
    assert only(base).status == "queued"
    Document.objects.update(status="failed")
    as_member.post(f"{URL}{base.pk}/again/")
    assert only(base).status == "queued"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"add": "page", "url": "http://127.0.0.1/"}, "#knowledge-url"),
        ({"add": "text", "text": " "}, "#knowledge-text"),
        ({"add": "files"}, "#knowledge-files"),
    ],
)
def test_what_cannot_be_added_is_said_at_its_field(as_member: Client, member: User, given: dict[str, str], field: str) -> None:
    base = BaseFactory(owner=member)
    got = as_member.post(f"{URL}{base.pk}/add/", given)
    assert got.status_code == 422
    assert page(got).one(field)["aria-invalid"] == "true"
    if "url" in given:
        assert page(got).one(field)["value"] == given["url"]


def test_of_others_there_is_nothing_to_see_and_of_a_team_nothing_to_change(
    as_stranger: Client, as_member: Client, owner: User, support: Team
) -> None:
    base = base_of(owner, HOUSE, team=support)
    document = only(base)
    for url in (f"{URL}{base.pk}/", f"{URL}documents/{document.pk}/"):
        assert as_stranger.get(url).status_code == 404
        assert as_member.get(url).status_code == 200
    assert "add-title" not in as_member.get(f"{URL}{base.pk}/").content.decode()
    for url in (f"{URL}{base.pk}/", f"{URL}{base.pk}/add/", f"{URL}{base.pk}/delete/", f"{URL}documents/{document.pk}/delete/"):
        assert as_member.post(url).status_code == 403
        assert as_stranger.post(url).status_code == 404


def test_a_list_asks_as_much_for_many(as_member: Client, member: User) -> None:
    counts = []
    base = BaseFactory(owner=member)
    for _ in range(2):
        BaseFactory.create_batch(5, owner=member)
        Document.objects.bulk_create(Document(base=base, title="x", source="text", by=member, status="ready") for _ in range(5))
        with CaptureQueriesContext(connection) as asked:
            as_member.get(URL)
            as_member.get(f"{URL}{base.pk}/")
        counts.append(len(asked))
    assert counts[0] == counts[1]
