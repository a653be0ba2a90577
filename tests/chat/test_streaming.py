"""A live tab equals a freshly loaded one, whenever it was opened and wherever it was cut off."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentos.access.models import User
from agentos.agents.events import Event, Failed, Finished, Interrupted, Stopped, Waiting
from agentos.chat import actions, streaming
from agentos.chat.claiming import claim_next
from agentos.chat.cursor import Cursor
from agentos.chat.drafts import Draft
from agentos.chat.ending import end_run
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.transcript import open_transcript
from agentos.chat.turns import part_id, part_view
from agentos.core.compiled import draw
from tests.chat.drafting import draft_of
from tests.chat.test_blocks import TEXTS
from tests.live_dom import LiveDom

Lines = Sequence[tuple[str, dict[str, Any]]]

EVERY_KIND: Lines = [
    ("reasoning", {"text": "The user wants "}),
    ("reasoning", {"text": "a table.\n\nSo"}),
    ("reasoning", {"text": " I make\n\none."}),
    ("text", {"text": "Here <b>is"}),
    ("text", {"text": " it:\n\n| a | b |\n|---"}),
    ("text", {"text": "|---|\n| 1 | 2 |\n"}),
    ("text", {"text": "\nAnd co"}),
    ("text", {"text": "de:\n\n```python\nx = 1\n\ny = [\n"}),
    ("text", {"text": "]\n```\nafter\n"}),
    ("tool_started", {"call_id": "1", "name": "add", "args": {"a": 1, "b": "<i>"}}),
    ("tool_started", {"call_id": "2", "name": "clock", "args": {}}),
    ("usage", {"input_tokens": 5, "output_tokens": 7}),
    ("tool_finished", {"call_id": "2", "name": "clock", "result": "12:00", "seconds": 0.5}),
    ("tool_failed", {"call_id": "1", "name": "add", "error": "not a number", "seconds": 0.1}),
    ("text", {"text": "- one\n"}),
    ("text", {"text": "- **two.** Or"}),
    ("text", {"text": " three\n\n## A head"}),
    ("text", {"text": "\n\nThe **end** is"}),
    ("text", {"text": " near. Very"}),
    ("text", {"text": " *near*! It\nis"}),
    ("text", {"text": " here."}),
]


@pytest.fixture
def running(session: ChatSession, member: User) -> Run:
    for text in ("First", "Second", "Third"):
        actions.send_message(by=member, session=session, text=text)
    first = claim_next(session.pk, timedelta(seconds=30))
    assert first is not None
    end_run(run_pk=first.pk, event=Finished(), attempt=1)
    second = claim_next(session.pk, timedelta(seconds=30))
    assert second is not None
    return second


def say(run: Run, lines: Lines, start: int = 0) -> None:
    RunEvent.objects.bulk_create(
        RunEvent(run=run, seq=seq, attempt=1, kind=kind, data=data) for seq, (kind, data) in enumerate(lines, start + 1)
    )


def draft_at(run: Run, seq: int) -> Draft:
    return draft_of(run, list(RunEvent.objects.filter(run=run, seq__lte=seq).order_by("seq").values_list("seq", "kind", "data")))


def fresh(session: ChatSession) -> tuple[LiveDom, Cursor]:
    transcript = open_transcript(ChatSession.objects.get(pk=session.pk), may_write=True)
    cursor = Cursor.read(transcript.cursor)
    assert cursor is not None
    return LiveDom('<div id="turns">' + "".join(streaming.render_turn(view) for view in transcript.turns) + "</div>"), cursor


def follow(dom: LiveDom, session: ChatSession, cursor: Cursor) -> Cursor:
    """Take a tab to the present, as the live stream does."""
    change = streaming.changes(session.pk, cursor, may_write=True)
    if change is None:
        return cursor
    for turn in change.gone:
        dom.apply(f'<hx-partial hx-target="#turn-{turn}" hx-swap="delete"></hx-partial>')
    for view in change.turns:
        dom.apply(f'<hx-partial hx-target="#turns" hx-swap="upsert">{streaming.render_turn(view)}</hx-partial>')
    return change.cursor


def grow(dom: LiveDom, draft: Draft, seq: int) -> None:
    for _, html in streaming.growth(draft, seq):
        dom.apply(html)


class TestGrowth:
    def test_takes_a_tab_from_any_event_to_any_later_one(self, running: Run) -> None:
        pages: list[tuple[LiveDom, str]] = []
        for count, line in enumerate(EVERY_KIND):
            say(running, [line], start=count)
            pages.append((fresh(running.session)[0], fresh(running.session)[0].shown("turns")))
        for start, (page, _) in enumerate(pages, 1):
            tab = LiveDom(str(page.soup))
            for seq in range(start, len(EVERY_KIND)):
                grow(tab, draft_at(running, seq + 1), seq)
                assert tab.shown("turns") == pages[seq][1], f"from {start} to {seq + 1}"

    def test_takes_it_there_in_one_step_too(self, running: Run) -> None:
        start, _ = fresh(running.session)
        say(running, EVERY_KIND)
        draft = draft_at(running, len(EVERY_KIND))
        grow(start, draft, 0)
        assert start.shown("turns") == fresh(running.session)[0].shown("turns")

    def test_never_sends_what_was_seen(self, running: Run) -> None:
        say(running, EVERY_KIND)
        assert streaming.growth(draft_at(running, len(EVERY_KIND)), len(EVERY_KIND)) == []
        assert streaming.growth(draft_at(running, 3), len(EVERY_KIND)) == []

    def test_sends_text_as_text(self, running: Run) -> None:
        say(running, [("text", {"text": "a "}), ("text", {"text": "<script>alert(1)</script></hx-partial>"})])
        [(_, html)] = streaming.growth(draft_at(running, 2), 1)
        assert "<script" not in html
        assert html.count("</hx-partial>") == html.count("<hx-partial")


def page_of(draft: Draft) -> LiveDom:
    """What a page that is loaded now shows of the one part of this answer."""
    view = part_view(draft.parts[0], part_id(draft.turn, 0), growing=True)
    part = draw("chat/_part.html", {"part": view})
    return LiveDom(f'<div id="turn-{draft.turn}-answer">{part}</div><p id="turn-{draft.turn}-now">Writing</p>')


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(bool), st.data())
def test_any_text_grows_into_what_a_fresh_page_shows(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text)), max_size=12)) | {len(text)})
    draft = Draft(Run(pk=1, session_id=1, turn=1, attempt=1))
    draft.take(1, "text", {"text": text[: cuts[0]]})
    tab = page_of(draft)
    for seq, (start, end) in enumerate(pairwise(cuts), 2):
        draft.take(seq, "text", {"text": text[start:end]})
        grow(tab, draft, seq - 1)
        assert tab.shown("turn-1-answer") == page_of(draft).shown("turn-1-answer")


class TestChanges:
    @pytest.mark.parametrize(
        "end", [Finished(), Failed("model_error"), Stopped(), Interrupted(), Waiting(requirements=[{"name": "send", "args": {}}])]
    )
    def test_shows_every_end_as_a_fresh_page_does(self, running: Run, end: Event) -> None:
        say(running, EVERY_KIND)
        tab, cursor = fresh(running.session)
        assert end_run(run_pk=running.pk, event=end, attempt=1)
        follow(tab, running.session, cursor)
        assert tab.shown("turns") == fresh(running.session)[0].shown("turns")

    def test_shows_what_people_do_as_a_fresh_page_does(self, running: Run, member: User) -> None:
        session = running.session
        tab, cursor = fresh(session)
        queued = Run.objects.get(session=session, turn=3)
        steps = [
            lambda: actions.stop_run(run=queued, by=member),
            lambda: actions.send_message(by=member, session=session, text="Fourth"),
            lambda: actions.stop_run(run=running, by=member),
            lambda: claim_next(session.pk, timedelta(seconds=30)),
            lambda: actions.stop_run(run=Run.objects.get(session=session, turn=4), by=member),
            lambda: actions.retry_run(run=Run.objects.get(session=session, turn=4), by=member),
        ]
        for step in steps:
            step()
            cursor = follow(tab, session, cursor)
            assert tab.shown("turns") == fresh(session)[0].shown("turns")

    def test_may_be_told_twice(self, running: Run) -> None:
        tab, cursor = fresh(running.session)
        end_run(run_pk=running.pk, event=Finished(), attempt=1)
        for _ in range(2):
            follow(tab, running.session, cursor)
        assert tab.shown("turns") == fresh(running.session)[0].shown("turns")

    def test_gives_an_unknown_cursor_the_fresh_state(self, running: Run) -> None:
        say(running, EVERY_KIND[:4])
        tab = LiveDom('<div id="turns"></div>')
        cursor = follow(tab, running.session, Cursor())
        assert tab.shown("turns") == fresh(running.session)[0].shown("turns")
        assert cursor == fresh(running.session)[1]

    def test_has_nothing_to_say_when_nothing_changed(self, running: Run) -> None:
        assert streaming.changes(running.session_id, fresh(running.session)[1], may_write=True) is None


class TestCursor:
    @pytest.mark.parametrize("text", ["", "x", "1-2", "1-2-3-4", "-1-2-3", "1-2-3\n", "９-9-9", "9" * 30 + "-1-1"])
    def test_reads_only_its_own(self, text: str) -> None:
        assert Cursor.read(text) is None

    def test_reads_back_what_it_writes(self) -> None:
        assert Cursor.read(str(Cursor(5, 6, 7))) == Cursor(5, 6, 7)

    def test_knows_which_has_seen_more(self) -> None:
        assert Cursor(5, 6, 7).newer(Cursor(5, 6, 9)) == Cursor(5, 6, 9)
        assert Cursor(6).newer(Cursor(5, 6, 9)) == Cursor(6)
