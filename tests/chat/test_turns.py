"""A turn as a page shows it: the element of a block that still grows, and what may be done with it."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from agentos.agents import failures
from agentos.chat.live.part_views import activity, open_block
from agentos.chat.live.turns import TurnView, turn_view
from agentos.chat.models import Run


@pytest.mark.parametrize(
    ("rest", "place", "text"),
    [
        ("plain words", "div.open-block > .tail", "plain words"),
        ("A **word**. Then mo", "p > .tail", "A word. Then mo"),
        ("- one\n- **Two**: thr", "ul > li:last-child > .tail", "Two: thr"),
        ("1. one\n   - **Two**: thr", "li > ul > li > .tail", "Two: thr"),
        ("- one\n- tw", "div.open-block > .tail", "- tw"),
        ("## Head\nmore", "div.open-block > .settled > .tail, div.open-block > .tail", "more"),
    ],
)
def test_text_is_added_where_it_will_stand(rest: str, place: str, text: str) -> None:
    soup = BeautifulSoup(open_block("turn-1-part-0", rest), "html.parser")
    tail = soup.select_one("#turn-1-part-0-tail")
    assert tail is not None
    assert soup.select(place) == [tail]
    assert tail.parent is not None
    around = tail if "open-block" in place else tail.parent
    assert around.get_text().strip() == text


def test_a_model_writes_text_and_no_html() -> None:
    html = open_block("turn-1-part-0", "- **a**: <b>x</b>")
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


class TestATurn:
    """What may be done with it: by whom, and when."""

    def view(self, status: str = Run.Status.COMPLETED, *, is_last: bool = True, may_write: bool = True, said: str = "Some") -> TurnView:
        run = Run(pk=1, turn=3, status=status, requirements=[{"kind": "approval", "call_id": "c", "name": "send", "args": {"to": "Ada"}}])
        parts = [{"kind": "text", "text": said}] if said else []
        return turn_view(run, parts, agent_name="Ada", is_last=is_last, may_write=may_write)

    @pytest.mark.parametrize("status", Run.Status.values)
    def test_can_be_tried_again_and_forked_once_it_has_ended(self, status: str) -> None:
        has_ended = status not in {Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING}
        view = self.view(status)
        assert (view.has_ended, view.can_retry, view.can_fork) == (has_ended, has_ended, has_ended)

    def test_can_be_tried_again_as_the_last_one_only(self) -> None:
        assert not self.view(is_last=False).can_retry
        assert self.view(is_last=False).can_fork

    def test_is_only_read_by_who_may_not_write(self) -> None:
        view = self.view(Run.Status.INTERRUPTED, may_write=False)
        assert (view.can_retry, view.can_continue, view.can_fork) == (False, False, False)

    def test_can_be_continued_where_it_broke_off_with_something_said(self) -> None:
        for status in Run.Status.values:
            assert self.view(status).can_continue == (status in Run.BROKEN_OFF), status
        assert not self.view(Run.Status.INTERRUPTED, said="").can_continue
        assert not self.view(Run.Status.INTERRUPTED, is_last=False).can_continue

    def test_says_what_went_wrong_and_what_is_missing_of_its_answer(self) -> None:
        run = Run(turn=1, input="Hello", status=Run.Status.FAILED, error_code="model_auth", cut="length")
        view = turn_view(run, [], agent_name="Ada", is_last=True, may_write=True, missing="A key.")
        assert (view.failure, view.missing, view.cut) == (failures.sentence("model_auth"), "A key.", failures.cut_sentence("length"))
        whole = self.view()
        assert (whole.failure, whole.missing, whole.cut) == ("", "", "")

    @pytest.mark.parametrize(
        ("waits", "said", "now"), [(9, "", "The model is busy: asked again after 9 s"), (9, "Some", "Writing"), (None, "", "Thinking")]
    )
    def test_says_that_it_waits_for_its_model_before_the_first_word(self, waits: int | None, said: str, now: str) -> None:
        run = Run(turn=1, status=Run.Status.RUNNING, waits_seconds=waits)
        parts = [{"kind": "text", "text": said}] if said else []
        assert turn_view(run, parts, agent_name="Ada", is_last=True, may_write=True).now == now

    def test_asks_while_it_waits(self) -> None:
        (ask,) = self.view(Run.Status.WAITING).asks
        assert (ask.call_id, ask.name, ask.is_form) == ("c", "Send", False)
        assert [(each.label, each.text) for each in ask.reading] == [("To", "Ada")]
        assert self.view(Run.Status.COMPLETED).asks == []

    def test_says_what_it_does_while_it_runs(self) -> None:
        assert self.view(Run.Status.RUNNING).now == "Writing"
        assert self.view(Run.Status.COMPLETED).now == ""

    def test_grows_at_its_end_while_it_is_open(self) -> None:
        run = Run(pk=1, turn=3, status=Run.Status.RUNNING)
        parts = [{"kind": "text", "text": "One"}, {"kind": "text", "text": "Two"}]
        views = turn_view(run, parts, agent_name="Ada", is_last=True, may_write=True).parts
        assert [getattr(view, "open", None) is not None for view in views] == [False, True]
        run.status = Run.Status.STOPPED
        views = turn_view(run, parts, agent_name="Ada", is_last=True, may_write=True).parts
        assert [getattr(view, "open", None) for view in views] == [None, None]

    def test_shows_what_a_tool_was_given_a_thing_a_line(self) -> None:
        run = Run(pk=1, turn=3, status=Run.Status.COMPLETED)
        call = {"kind": "tool", "call_id": "1", "name": "add", "args": {"to": "Zoë"}, "status": "finished", "result": "", "seconds": 0.1}
        (part,) = turn_view(run, [call], agent_name="Ada", is_last=True, may_write=True).parts
        assert [(each.label, each.text) for each in getattr(part, "arguments", ())] == [("To", "Zoë")]

    def test_counts_what_was_read_and_written(self) -> None:
        view = self.view()
        view.run.input_tokens, view.run.output_tokens = 30, 12
        assert view.tokens == 42


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (None, "Thinking"),
        ({"kind": "text", "text": "a"}, "Writing"),
        ({"kind": "reasoning", "text": "a"}, "Thinking"),
        ({"kind": "tool", "name": "add", "status": "running"}, "Calling Calculator"),
        ({"kind": "tool", "name": "add", "status": "finished"}, "Thinking"),
    ],
)
def test_a_run_says_what_it_does(last: dict[str, Any] | None, words: str) -> None:
    assert activity([last] if last else []).startswith(words)
