"""A live tab equals a freshly loaded one, whenever it was opened and wherever it was cut off."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentos.access.models import User
from agentos.agents.events import Event, Failed, Finished, Interrupted, Stopped, Waiting
from agentos.chat import actions
from agentos.chat.drawing import render_turn
from agentos.chat.live import streaming
from agentos.chat.live.buffer import LiveBuffer
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.elements import part_id
from agentos.chat.live.part_views import part_view
from agentos.chat.live.transcript import open_transcript
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core.fragments import draw
from agentos.core.rendering.away import away
from tests.chat.drafting import draft_of
from tests.chat.test_blocks import TEXTS
from tests.factories import RunFactory
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

REPEATED_CALLS: Lines = [
    ("text", {"text": "So:"}),
    ("tool_started", {"call_id": "3", "name": "add", "args": {"a": 1}}),
    ("tool_started", {"call_id": "4", "name": "multiply", "args": {"a": 2}}),
    ("tool_finished", {"call_id": "4", "name": "multiply", "result": "4", "seconds": 0.1}),
    ("tool_started", {"call_id": "5", "name": "add", "args": {"a": 3}}),
    ("tool_failed", {"call_id": "3", "name": "add", "error": "no", "seconds": 0.1}),
    ("tool_finished", {"call_id": "5", "name": "add", "result": "6", "seconds": 0.1}),
    ("tool_started", {"call_id": "6", "name": "clock", "args": {}}),
    ("tool_started", {"call_id": "7", "name": "clock", "args": {}}),
    ("tool_finished", {"call_id": "6", "name": "clock", "result": "12:01", "seconds": 0.1}),
    ("text", {"text": "Done."}),
]

CHART = {"kind": "chart", "chart": "line", "title": "Sales", "labels": ["a", "b"], "series": [{"name": "x", "values": [1, 2]}]}

SHOWN: Lines = [
    ("tool_started", {"call_id": "1", "name": "make_chart", "args": {}}),
    ("tool_finished", {"call_id": "1", "name": "make_chart", "result": "1", "seconds": 0.1, "shown": CHART}),
    ("tool_started", {"call_id": "2", "name": "make_chart", "args": {}}),
    ("tool_started", {"call_id": "3", "name": "make_chart", "args": {}}),
    ("tool_finished", {"call_id": "3", "name": "make_chart", "result": "3", "seconds": 0.1, "shown": CHART}),
    ("tool_failed", {"call_id": "2", "name": "make_chart", "error": "no", "seconds": 0.1}),
    ("text", {"text": "Look."}),
    ("tool_started", {"call_id": "4", "name": "make_chart", "args": {}}),
    ("tool_started", {"call_id": "5", "name": "make_chart", "args": {}}),
    ("tool_finished", {"call_id": "4", "name": "make_chart", "result": "4", "seconds": 0.1, "shown": CHART}),
    ("tool_finished", {"call_id": "5", "name": "make_chart", "result": "5", "seconds": 0.1, "shown": CHART}),
]


ANN, BEN = ({"within": f"d{number}", "by": name} for number, name in enumerate(("ann", "ben"), 1))
DELEGATIONS: Lines = [
    ("text", {"text": "I ask two."}),
    ("delegated", {"call_id": "d1", "by": "ann", "name": "Ann <b>", "task": "Look it up."}),
    ("text", {"text": "I **lo", **ANN}),
    ("delegated", {"call_id": "d2", "by": "ben", "name": "Ben", "task": "Count."}),
    ("text", {"text": "ok**.\n\n- on", **ANN}),
    ("reasoning", {"text": "Two and two", **BEN}),
    ("tool_started", {"call_id": "8", "name": "add", "args": {"a": 1}, **BEN}),
    ("text", {"text": "e\n- two\n", **ANN}),
    ("tool_started", {"call_id": "9", "name": "add", "args": {"a": 2}, **BEN}),
    ("tool_finished", {"call_id": "9", "name": "add", "result": "4", "seconds": 0.1, **BEN}),
    ("tool_failed", {"call_id": "8", "name": "add", "error": "no", "seconds": 0.1, **BEN}),
    ("delegation_ended", {"call_id": "d1", "seconds": 0.3, "error": ""}),
    ("text", {"text": "Four.", **BEN}),
    ("delegated", {"call_id": "d2", "by": "ben", "name": "Ben", "task": "Count."}),
    ("text", {"text": " Really.", **BEN}),
    ("delegation_ended", {"call_id": "d2", "seconds": 0.4, "error": "The model is busy."}),
    ("text", {"text": "They sa"}),
    ("text", {"text": "y four."}),
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


def draft_at(run: Run, seq: int) -> LiveBuffer:
    return draft_of(run, list(RunEvent.objects.filter(run=run, seq__lte=seq).order_by("seq").values_list("seq", "kind", "data")))


def fresh(session: ChatSession) -> tuple[LiveDom, Cursor]:
    transcript = open_transcript(ChatSession.objects.get(pk=session.pk), may_write=True)
    cursor = Cursor.read(transcript.cursor)
    assert cursor is not None
    return LiveDom('<div id="turns">' + "".join(render_turn(view) for view in transcript.turns) + "</div>"), cursor


def follow(dom: LiveDom, session: ChatSession, cursor: Cursor) -> Cursor:
    """Take a tab to the present, as the live stream does."""
    change = streaming.changes(session.pk, cursor)
    if change is None:
        return cursor
    for turn in change.gone:
        dom.apply(f'<hx-partial hx-target="#turn-{turn}" hx-swap="delete"></hx-partial>')
    for view in change.views(may_write=True):
        dom.apply(f'<hx-partial hx-target="#turns" hx-swap="upsert">{render_turn(view)}</hx-partial>')
    return change.cursor


def grow(dom: LiveDom, buffer: LiveBuffer, seq: int) -> None:
    for _, html in streaming.growth(buffer, seq):
        dom.apply(html)


class TestGrowth:
    @pytest.mark.parametrize(
        "lines",
        [EVERY_KIND, REPEATED_CALLS, SHOWN, DELEGATIONS],
        ids=["every kind", "repeated calls", "shown", "delegations"],
    )
    def test_takes_a_tab_from_any_event_to_any_later_one(self, running: Run, lines: Lines) -> None:
        pages: list[tuple[LiveDom, str]] = []
        for count, line in enumerate(lines):
            say(running, [line], start=count)
            pages.append((fresh(running.session)[0], fresh(running.session)[0].shown("turns")))
        for start, (page, _) in enumerate(pages, 1):
            tab = LiveDom(str(page.soup))
            for seq in range(start, len(lines)):
                grow(tab, draft_at(running, seq + 1), seq)
                assert tab.shown("turns") == pages[seq][1], f"from {start} to {seq + 1}"

    @pytest.mark.parametrize("lines", [EVERY_KIND, REPEATED_CALLS, SHOWN], ids=["every kind", "repeated calls", "shown"])
    def test_takes_it_there_in_one_step_too(self, running: Run, lines: Lines) -> None:
        tabs = []
        for count, line in enumerate(lines):
            tabs.append(fresh(running.session)[0])
            say(running, [line], start=count)
        page, buffer = fresh(running.session)[0].shown("turns"), draft_at(running, len(lines))
        for seq, tab in enumerate(tabs):
            grow(tab, buffer, seq)
            assert tab.shown("turns") == page, f"from {seq}"

    def test_shows_a_tool_that_comes_before_any_word(self) -> None:
        buffer = LiveBuffer(Run(pk=1, session_id=1, turn=1, attempt=1))
        buffer.take(1, "tool_started", {"call_id": "1", "name": "add", "args": {}})
        buffer.take(2, "usage", {"input_tokens": 1, "output_tokens": 1})  # is not shown
        [(seq, html)] = streaming.growth(buffer, 0)
        assert (seq, "turn-1-part-0" in html) == (1, True)

    def test_closes_no_part_but_a_text_that_was_open(self) -> None:
        buffer = LiveBuffer(Run(pk=1, session_id=1, turn=1, attempt=1))
        buffer.take(1, "text", {"text": "So:"})
        buffer.take(2, "tool_started", {"call_id": "1", "name": "add", "args": {}})
        buffer.take(3, "tool_finished", {"call_id": "1", "name": "add", "result": "4", "seconds": 0.1})
        buffer.take(4, "text", {"text": "Done."})
        (_, first), (_, call), _, (_, last) = streaming.growth(buffer, 0)
        assert "outerHTML" not in first
        assert re.findall('hx-target="#([^"]+)" hx-swap="outerHTML"', call) == ["turn-1-part-0"]
        assert "outerHTML" not in last

    def test_is_one_step_for_text_that_grows_in_one_place(self) -> None:
        lines = [("reasoning", "Hm"), ("reasoning", "."), ("text", "One"), ("text", " two"), ("text", " three")]
        buffer = draft_of(unstored(), [(seq, kind, {"text": text}) for seq, (kind, text) in enumerate(lines, 1)])
        assert [seq for seq, _ in streaming.growth(buffer, 0)] == [2, 5]
        assert [seq for seq, _ in streaming.growth(buffer, 3)] == [5]

    def test_never_sends_what_was_seen(self, running: Run) -> None:
        say(running, EVERY_KIND)
        assert streaming.growth(draft_at(running, len(EVERY_KIND)), len(EVERY_KIND)) == []
        assert streaming.growth(draft_at(running, 3), len(EVERY_KIND)) == []

    def test_sends_text_as_text(self, running: Run) -> None:
        say(running, [("text", {"text": "a "}), ("text", {"text": "<script>alert(1)</script></hx-partial>"})])
        [(_, html)] = streaming.growth(draft_at(running, 2), 1)
        assert "<script" not in html
        assert html.count("</hx-partial>") == html.count("<hx-partial")


def page_of(buffer: LiveBuffer) -> LiveDom:
    """What a page that is loaded now shows of the one part of this answer."""
    view = part_view(buffer.parts[0], part_id(buffer.element, 0), growing=True)
    part = draw("chat/_part.html", {"part": view})
    return LiveDom(f'<div id="turn-{buffer.turn}-answer">{part}</div><p id="turn-{buffer.turn}-now">Writing</p>')


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(bool), st.data())
def test_any_text_grows_into_what_a_fresh_page_shows(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text)), max_size=12)) | {len(text)})
    buffer = LiveBuffer(Run(pk=1, session_id=1, turn=1, attempt=1))
    buffer.take(1, "text", {"text": text[: cuts[0]]})
    tab = page_of(buffer)
    for seq, (start, end) in enumerate(pairwise(cuts), 2):
        buffer.take(seq, "text", {"text": text[start:end]})
        grow(tab, buffer, seq - 1)
        assert tab.shown("turn-1-answer") == page_of(buffer).shown("turn-1-answer")


class TestWhatAStepRenders:
    """So many characters: by that it is decided whether it is done on the loop or away from it."""

    @pytest.mark.parametrize(
        ("before", "step", "characters"),
        [
            ([("text", "One")], ("text", " two"), 0),
            ([], ("text", "One"), 0),
            ([("text", "One **two**.")], ("text", " x"), len("One **two**. ")),
            ([("text", "One\n\nTwo")], ("text", "\n\nThree"), len("Two\n\n")),
            ([("text", "One")], ("usage", ""), 0),
            ([("reasoning", "Some thoughts")], ("text", "One"), len("Some thoughts")),
            ([("text", "One")], ("tool_started", "add"), len("One")),
            ([("tool_started", "add")], ("text", "One"), 0),
            ([("text", "Some thoughts")], ("rethought", ""), len("Some thoughts")),
        ],
    )
    def test_is_what_changes_its_form(self, before: list[tuple[str, str]], step: tuple[str, str], characters: int) -> None:
        buffer = draft_of(unstored(), [(seq, kind, said(kind, text)) for seq, (kind, text) in enumerate([*before, step], 1)])
        assert streaming.rendered_by(buffer, len(before)) == characters

    @pytest.fixture
    def rendered(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """How many characters were rendered, each time that anything was."""
        found: list[int] = []

        async def noted(characters: int, work: Callable[..., Any], *args: Any) -> Any:
            found.append(characters)
            return await away(characters, work, *args)

        monkeypatch.setattr(streaming, "away", noted)
        return found

    async def test_is_rendered_once_for_all_tabs(self, rendered: list[int]) -> None:
        buffer = draft_of(unstored(), [(1, "text", {"text": "One"}), (2, "tool_started", said("tool_started", "add"))])
        first, second = await asyncio.gather(streaming.grown(buffer, 1), streaming.grown(buffer, 1))
        assert first == second == await streaming.grown(buffer, 1) == streaming.growth(buffer, 1)
        assert rendered == [3]

    async def test_is_nothing_of_plain_words_which_are_told_at_once(self, rendered: list[int]) -> None:
        buffer = draft_of(unstored(), [(1, "text", {"text": "One"}), (2, "text", {"text": " two"})])
        assert await streaming.grown(buffer, 1) == streaming.growth(buffer, 1)
        assert (rendered, buffer.drawn) == ([], {})

    async def test_is_kept_for_the_last_few_steps(self, rendered: list[int]) -> None:
        buffer = draft_of(unstored(), [(1, "text", {"text": "One\n\nTwo"})])
        for seq in range(2, streaming.STEPS_KEPT + 4):
            buffer.take(seq, "text", {"text": "\n\nMore"})
            await streaming.grown(buffer, seq - 1)
        assert list(buffer.drawn) == [(seq - 1, seq) for seq in range(4, streaming.STEPS_KEPT + 4)]


def unstored() -> Run:
    return Run(pk=1, session_id=1, turn=1, attempt=1)


def said(kind: str, text: str) -> dict[str, Any]:
    return {"call_id": "1", "name": text, "args": {}} if kind == "tool_started" else {"text": text}


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

        def shown(turn: int) -> Run:
            return Run.objects.get(session=session, turn=turn, is_hidden=False)

        steps = [
            lambda: actions.stop_run(run=queued, by=member),
            lambda: actions.send_message(by=member, session=session, text="Fourth"),
            lambda: actions.stop_run(run=running, by=member),
            lambda: claim_next(session.pk, timedelta(seconds=30)),
            lambda: actions.stop_run(run=shown(3), by=member),
            lambda: actions.retry_run(run=shown(3), by=member),
            lambda: actions.stop_run(run=shown(3), by=member),
            lambda: actions.choose_version(run=shown(3), by=member, version=1),
            lambda: actions.edit_message(run=shown(1), text="First, better", by=member),
            lambda: actions.stop_run(run=shown(1), by=member),
            lambda: actions.choose_version(run=shown(1), by=member, edition=1),
        ]
        for step in steps:
            step()
            cursor = follow(tab, session, cursor)
            assert tab.shown("turns") == fresh(session)[0].shown("turns")

    def test_takes_from_a_turn_and_gives_back_what_only_the_last_one_has(self, session: ChatSession, member: User) -> None:
        """An answer can be tried again as long as nothing follows it."""
        RunFactory(session=session, by=member)
        tab, cursor = fresh(session)
        before = tab.shown("turns")
        queued = actions.send_message(by=member, session=session, text="Next")
        cursor = follow(tab, session, cursor)
        assert tab.shown("turns") == fresh(session)[0].shown("turns")
        actions.stop_run(run=queued, by=member)
        follow(tab, session, cursor)
        assert tab.shown("turns") == fresh(session)[0].shown("turns") == before

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
        assert streaming.changes(running.session_id, fresh(running.session)[1]) is None


class TestCursor:
    @pytest.mark.parametrize("text", ["", "x", "1-2", "1-2-3-4", "-1-2-3", "1-2-3\n", "９-9-9", "9" * 30 + "-1-1"])
    def test_reads_only_its_own(self, text: str) -> None:
        assert Cursor.read(text) is None

    def test_reads_back_what_it_writes(self) -> None:
        assert Cursor.read(str(Cursor(5, 6, 7))) == Cursor(5, 6, 7)

    def test_knows_which_has_seen_more(self) -> None:
        assert Cursor(5, 6, 7).newer(Cursor(5, 6, 9)) == Cursor(5, 6, 9)
        assert Cursor(6).newer(Cursor(5, 6, 9)) == Cursor(6)
