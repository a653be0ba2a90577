"""Numbered pages of a list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    number: int
    pages: int
    total: int


def page_of(rows: QuerySet[Row], number: int, size: int) -> Page[Row]:
    """Return page ``number``, counted from 1. A number past the end gives an empty page."""
    paginator = Paginator(rows, size)
    found = list(paginator.page(number).object_list) if number in paginator.page_range else []
    return Page(rows=found, number=number, pages=paginator.num_pages, total=paginator.count)
