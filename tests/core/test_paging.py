"""Numbered pages: counted from 1, and empty past the end."""

import pytest

from agentos.access.models import Team
from agentos.core.http.paging import page_of
from tests.factories import TeamFactory


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "names"), [(0, []), (1, ["A", "B"]), (2, ["C"]), (3, []), (-1, [])])
def test_a_page_is_counted_from_one(number: int, names: list[str]) -> None:
    for name in "ABC":
        TeamFactory(name=name)
    page = page_of(Team.objects.order_by("name"), number, 2)
    assert ([team.name for team in page.rows], page.number, page.pages, page.total) == (names, number, 2, 3)


@pytest.mark.django_db
def test_nothing_has_one_empty_page() -> None:
    page = page_of(Team.objects.order_by("name"), 1, 2)
    assert (page.rows, page.pages, page.total) == ([], 1, 0)
