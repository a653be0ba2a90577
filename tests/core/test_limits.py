"""Limits: counting, whoever counts; what is said to whom they stop."""

import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from agentos.access.counting import TableCounter
from agentos.access.models import RateCount, User
from agentos.conf import app_settings
from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.http.middleware import security_headers
from agentos.core.ratelimit import limits

Counters = dict[str, Callable[[], Any]]
NOW = int(clock.now().timestamp()) // 60 + 60  # a window that is not over before the tests are: what is over may be swept at any hit
COUNTERS: Counters = {"memory": limits.MemoryCounter, "cache": limits.CacheCounter, "table": TableCounter}


@pytest.fixture(params=COUNTERS)
def counter(request: pytest.FixtureRequest, db: None) -> Any:
    if request.param == "table" and connection.vendor != "postgresql":
        pytest.skip("the table counts on PostgreSQL alone")
    if request.param == "cache" and not app_settings.SHARED_CACHE:
        pytest.skip("the cache counts when it is Redis: python -m tests.redis")
    return COUNTERS[request.param]()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Hold the clock at so many seconds into a minute."""
    begin = clock.now().replace(second=0, microsecond=0)

    def hold(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: begin + timedelta(seconds=seconds))

    return hold


def check(key: str = "1", limit: int = 3) -> limits.RateState:
    return limits.check("send", key, limit=limit, seconds=60)


class TestCounter:
    def test_counts_each_key_in_each_window(self, counter: Any) -> None:
        assert [counter.hit("a", NOW, 60) for _ in range(3)] == [1, 2, 3]
        assert counter.hit("b", NOW, 60) == 1
        assert counter.hit("a", NOW + 1, 60) == 1
        assert counter.hit("a", NOW + 1, 60) == 2

    def test_loses_nothing_when_many_count_at_once(self, counter: Any) -> None:
        if isinstance(counter, TableCounter):
            pytest.skip("its threads need committed data: see below")
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.extend(counter.hit("a", NOW, 60) for _ in range(50))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(1, 401))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the table counts on PostgreSQL alone")
class TestTableCounter:
    @pytest.mark.django_db(transaction=True)
    def test_loses_nothing_when_many_count_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agentos.access.counting.SWEEP_ONE_IN", 1)
        found: list[int] = []

        def count() -> None:
            found.extend(TableCounter().hit("a", NOW, 60) for _ in range(25))
            connection.close()

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(1, 201))

    def test_takes_one_query(self, db: None, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agentos.access.counting.SWEEP_ONE_IN", 10**12)
        with django_assert_num_queries(1):
            TableCounter().hit("a", NOW, 60)

    def test_counts_in_the_newer_window_when_a_clock_is_behind(self, db: None) -> None:
        counter = TableCounter()
        counter.hit("a", NOW + 1, 60)
        assert counter.hit("a", NOW, 60) == 2
        assert counter.hit("a", NOW + 1, 60) == 3

    def test_drops_what_is_over(self, db: None) -> None:
        counter = TableCounter()
        now = int(clock.now().timestamp())
        counter.hit("old", now // 60 - 2, 60)
        counter.hit("new", now // 60, 60)
        counter.sweep()
        assert [row.key for row in RateCount.objects.all()] == ["new"]


class TestMemoryCounter:
    def test_does_not_grow_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "SWEEP_AT", 10)
        counter = limits.MemoryCounter()
        for window in range(100):
            counter.hit(f"key {window}", window, 60)
        assert len(counter.counts) <= 10

    def test_does_not_look_through_what_counts_still_at_each_hit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "SWEEP_AT", 10)
        counter, window = limits.MemoryCounter(), int(clock.now().timestamp()) // 60
        for number in range(15):
            counter.hit(f"key {number}", window, 60)
        assert (len(counter.counts), counter.sweep_at) == (15, 22)


class TestCheck:
    def test_lets_as_many_pass_as_the_limit_says(self, db: None, at: Callable[[float], None]) -> None:
        at(10)
        assert [check().remaining for _ in range(3)] == [2, 1, 0]
        with pytest.raises(Problem) as refused:
            check()
        assert refused.value.status == 429
        assert refused.value.code == "too_many_requests"
        assert refused.value.sentence == "That was too much at once. Try again in 50 seconds."

    def test_says_when_to_come_back(self, db: None, at: Callable[[float], None]) -> None:
        at(10)
        state = check(limit=1)
        assert state.headers == {"RateLimit-Policy": '"send";q=1;w=60', "RateLimit": '"send";r=0;t=50'}
        at(59.9)
        with pytest.raises(Problem) as refused:
            check(limit=1)
        assert refused.value.headers == {"Retry-After": "1", "RateLimit-Policy": '"send";q=1;w=60', "RateLimit": '"send";r=0;t=1'}

    def test_begins_again_with_the_next_window(self, db: None, at: Callable[[float], None]) -> None:
        at(10)
        check(limit=1)
        at(60)
        assert check(limit=1).remaining == 0

    def test_counts_everybody_for_themselves(self, db: None) -> None:
        check("1", limit=1)
        check("2", limit=1)

    def test_counts_nothing_without_a_limit(self, db: None) -> None:
        for _ in range(100):
            assert check(limit=0).headers == {}

    def test_takes_no_query_on_sqlite_and_one_on_postgresql(self, db: None, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(0 if connection.vendor == "sqlite" or app_settings.SHARED_CACHE else 2):
            check()

    @pytest.mark.skipif(not app_settings.SHARED_CACHE, reason="needs Redis: python -m tests.redis")
    def test_counts_in_the_cache_that_all_processes_share(self, db: None) -> None:
        check(limit=2)
        limits.forget()  # another process
        check(limit=2)
        with pytest.raises(Problem):
            check(limit=2)

    def test_goes_on_when_that_cache_is_down(self, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def down(*args: Any, **kwargs: Any) -> None:
            raise ConnectionError

        settings.AGENTOS_SHARED_CACHE = True
        monkeypatch.setattr(limits.CacheCounter, "hit", down)
        check(limit=1)
        with pytest.raises(Problem):
            check(limit=1)

    def test_says_once_a_minute_that_it_is_down(
        self, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def down(*args: Any, **kwargs: Any) -> None:
            raise ConnectionError("refused")

        settings.AGENTOS_SHARED_CACHE = True
        monkeypatch.setattr(limits.CacheCounter, "hit", down)
        monkeypatch.setattr(limits._Counters, "complained", float("-inf"))
        said = []
        for seconds in (0, 59, 60):  # by a clock that does not go
            monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda seconds=seconds: 1000.0 + seconds))
            check()
            said.append(len(caplog.records))
        assert said == [1, 1, 2]
        assert "ConnectionError: refused" in caplog.text


class TestShow:
    def test_puts_the_state_into_the_answer(self, db: None) -> None:
        request = RequestFactory().get("/")
        limits.show(request, check())

        answer = security_headers(lambda _: HttpResponse())(request)
        assert answer["RateLimit-Policy"] == '"send";q=3;w=60'

    def test_is_not_there_otherwise(self, as_owner: Client, owner: User) -> None:
        assert "RateLimit" not in as_owner.get("/agentos/agents/").headers
