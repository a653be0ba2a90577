"""When a tab is told of a change to its chat and to its lists."""

import pytest

from agentos.core.http import sse
from agentos.dashboard.pacing import LISTS_PAUSE, STATE_PAUSE, Gathering, Pace, StatePause


class TestStatePause:
    def test_makes_one_of_what_follows_at_once(self) -> None:
        pause = StatePause()
        assert pause.add({"session"}, 1.0) == set()
        assert pause.add({"session", "user"}, 1.01) == {"user"}
        assert pause.wake_at(9.0) == 1.0 + STATE_PAUSE
        assert pause.add(set(), 1.0 + STATE_PAUSE) == {"session"}
        assert pause.wake_at(9.0) == 9.0
        assert pause.add(set(), 2.0) == set()

    def test_never_holds_up_the_answer(self) -> None:
        pause = StatePause()
        pause.add({"session"}, 1.0)
        assert pause.add({"draft"}, 1.001) == {"session", "draft"}
        assert pause.add({"draft"}, 1.002) == {"draft"}
        assert pause.add({"session", "draft"}, 1.003) == {"session", "draft"}

    def test_is_not_put_off_for_ever(self) -> None:
        pause = StatePause()
        told = [bool(pause.add({"session"}, 1.0 + step * STATE_PAUSE / 4)) for step in range(10)]
        assert told.count(True) == 2


class TestGathering:
    def test_tells_once_of_what_rings_more_than_once(self) -> None:
        lists = Gathering(set())
        lists.add({"user:1#5", "session:5"}, 1.0)
        lists.add({"user:1#6"}, 1.05)
        assert lists.take(1.06) == set()
        assert lists.wake_at(9.0) == pytest.approx(1.0 + LISTS_PAUSE / 2)
        assert lists.take(1.0 + LISTS_PAUSE / 2) == {"user:1#5", "user:1#6"}
        assert lists.wake_at(9.0) == 9.0

    def test_tells_at_once_what_may_come_along(self) -> None:
        lists = Gathering(set())
        assert lists.take(1.0, in_passing=True) == set()
        lists.add({"user:1#5"}, 1.0)
        assert lists.take(1.0, in_passing=True) == {"user:1#5"}


class TestPace:
    async def test_lets_the_lists_come_along_with_words(self) -> None:
        pace = Pace(set())
        pace.hear({"session:5", "user:1#5"})
        assert (pace.heard, pace.lists_due()) == ({"user"}, set())
        pace.hear({"draft:5"})
        assert (pace.heard, pace.lists_due()) == ({"session", "draft"}, {"user:1#5"})

    async def test_rests_until_something_is_due(self) -> None:
        pace = Pace(set())
        assert sse.HEARTBEAT_SECONDS - 1 < pace.rest() <= sse.HEARTBEAT_SECONDS
        pace.hear({"session:5"})
        assert 0 < pace.rest() <= STATE_PAUSE + 0.001
        assert not pace.is_quiet()
        pace.beat_due = pace.now()
        assert pace.is_quiet()
        pace.has_told()
        assert not pace.is_quiet()
