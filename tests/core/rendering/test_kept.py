"""HTML that is kept: within its bytes, the newest of it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.core.rendering import kept as module
from agentos.core.rendering.kept import Kept


def html(size: int) -> SafeString:
    """HTML that takes so many bytes."""
    return format_html("{}", "x" * (size - sys.getsizeof(format_html("{}", ""))))


@pytest.fixture
def kept() -> Kept:
    return Kept(limit=100_000)


class TestKept:
    def test_gives_back_what_it_was_given(self, kept: Kept) -> None:
        kept.put(("a", 1), html(500))
        assert kept.get(("a", 1)) == html(500)
        assert ("a", 1) in kept
        assert kept.get(("a", 2)) is None
        assert ("a", 2) not in kept

    def test_stays_within_its_bytes(self, kept: Kept) -> None:
        for number in range(100):
            kept.put(number, html(5_000))
            assert kept.bytes <= kept.limit
        assert kept.bytes == 20 * 5_000
        assert [number for number in range(100) if number in kept] == list(range(80, 100))

    def test_lets_go_of_what_was_not_shown_for_the_longest_time(self, kept: Kept) -> None:
        for number in range(20):
            kept.put(number, html(5_000))
        assert kept.get(0)
        kept.put("new", html(5_000))
        assert 0 in kept
        assert 1 not in kept

    def test_keeps_nothing_that_would_leave_no_room_for_others(self, kept: Kept) -> None:
        kept.put("long", html(kept.limit // module.SHARE + 1))
        assert ("long" in kept, kept.bytes) == (False, 0)

    def test_counts_what_takes_the_place_of_another_once(self, kept: Kept) -> None:
        kept.put("a", html(5_000))
        kept.put("a", html(600))
        assert (kept.bytes, kept.get("a")) == (600, html(600))
        kept.clear()
        assert (kept.bytes, kept.get("a")) == (0, None)

    def test_may_be_asked_by_all_threads(self, kept: Kept) -> None:
        def work(seed: int) -> None:
            for number in range(500):
                kept.put((seed + number) % 60, html(3_000))
                kept.get(number % 60)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert kept.bytes == sum(3_000 for number in range(60) if number in kept) <= kept.limit


def test_takes_a_small_part_of_a_servers_memory() -> None:
    assert module.kept.limit == module.LIMIT <= 64 * 1024 * 1024
