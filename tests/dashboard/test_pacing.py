"""When a tab is told of a change to its chat."""

from agentos.dashboard.pacing import STATE_PAUSE, StatePause


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
