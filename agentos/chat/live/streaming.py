"""The transcript of a live tab: what changed since its cursor, as fragments. State goes as whole turns, a growing answer
as what was added to it. What has to be rendered for it is rendered away from the event loop, and once for all tabs."""

import asyncio
from dataclasses import dataclass
from html import escape

from agentos.chat import queries
from agentos.chat.live.buffer import Line, LiveBuffer, live_buffers
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.parts import DELTAS, Part
from agentos.chat.live.transcript import shown_parts
from agentos.chat.live.turns import (
    TurnView,
    activity,
    calls_id,
    calls_view,
    first_call,
    missing_of,
    open_block,
    part_id,
    part_view,
    turn_view,
)
from agentos.chat.models import ChatSession, Run
from agentos.core.fragments import draw, fragment
from agentos.core.rendering import markdown
from agentos.core.rendering.away import away

STEPS_KEPT = 4  # of a growing answer, for the tabs that come to them later
A_DRAWING = 10_000  # characters that take as long to render as what a tool shows


@dataclass(frozen=True, slots=True)
class Change:
    """What a state check found: the runs whose turns are to be shown, each with its parts and what its agent lacks; and the turns to take
    away."""

    session: ChatSession
    runs: list[tuple[Run, list[Part], str]]
    gone: list[int]
    cursor: Cursor
    newest: int

    def views(self, *, may_write: bool) -> list[TurnView]:
        name = self.session.agent.name
        return [
            turn_view(run, parts, agent_name=name, missing=missing, is_last=run.turn == self.newest, may_write=may_write)
            for run, parts, missing in self.runs
        ]


def changes(session_pk: int, cursor: Cursor) -> Change | None:
    """Compare a tab's cursor with the database. None: it has seen everything but, perhaps, new text of the running answer."""
    session = queries.shown_session(session_pk)
    if session.revision == cursor.revision:
        return None
    runs = queries.changed_runs(session, cursor.revision)
    newest = queries.newest_turn(session)
    visible = {run.turn for run in runs if not run.is_hidden}
    gone = sorted({run.turn for run in runs if run.is_hidden} - visible)
    seen = Cursor(session.revision, cursor.run_pk, cursor.seq)
    if cursor.run_pk in {run.pk for run in runs}:
        seen = Cursor(session.revision)  # it has ended, unless it is met below: what its draft still holds is in its turn already
    shown = []
    for run in _with_last(session, [run for run in runs if not run.is_hidden], newest) if runs else ():
        parts, seq = shown_parts(run)
        if run.status == Run.Status.RUNNING:
            seen = Cursor(session.revision, run.pk, seq)
        shown.append((run, parts, missing_of(run, session)))
    return Change(session, shown, gone, seen, newest)


def _with_last(session: ChatSession, runs: list[Run], newest: int) -> list[Run]:
    """Add the turns next to a changed one whose buttons depend on which turn is the last."""
    turns = {run.turn for run in runs}
    if not newest:
        return runs
    around = {newest, *(turn - 1 for turn in turns)} - turns - {0}
    beside = [run for turn in around for run in queries.runs_of_turn(session, turn)]
    return sorted([*runs, *beside], key=lambda run: run.turn)


def draft_for(session_pk: int) -> LiveBuffer | None:
    """The running answer as this process knows it, without asking the database."""
    return live_buffers.of_session(session_pk)


async def grown(buffer: LiveBuffer, seq: int) -> list[tuple[int, str]]:
    """Return ``growth``. Plain words are told at once; what has to be rendered is rendered for the first tab that asks."""
    if not (characters := rendered_by(buffer, seq)):
        return growth(buffer, seq)
    key = (seq, buffer.seq)
    if key not in buffer.drawn:
        while len(buffer.drawn) >= STEPS_KEPT:
            del buffer.drawn[next(iter(buffer.drawn))]
        buffer.drawn[key] = asyncio.ensure_future(away(characters, growth, buffer, seq))
    return await asyncio.shield(buffer.drawn[key])  # which other tabs may wait for, when this one goes


def rendered_by(buffer: LiveBuffer, seq: int) -> int:
    """How many characters ``growth`` has to render, at most."""
    characters = 0
    for line in buffer.after(seq):
        if line.part < 0:
            continue
        if line.kind not in DELTAS:
            part = buffer.parts[line.part]
            characters += A_DRAWING if part.get("shown") else len(part.get("text", ""))
        if line.part and line.start == 0:  # it may close the part before it
            characters += len(buffer.parts[line.part - 1].get("text", ""))
        if line.after != line.before:
            characters += line.after.closed - line.before.closed + (line.after.shape.end if line.after.shape else 0)
    return characters


def growth(buffer: LiveBuffer, seq: int) -> list[tuple[int, str]]:
    """Return the steps that take a tab from ``seq`` of this run's journal to its end: up to where, and the fragments.

    A step may need a place that the step before it made, and htmx looks for all places of a frame before it fills the
    first: so each step is a frame of its own.
    """
    steps: list[tuple[int, str]] = []
    lines = buffer.after(seq)
    place = 0
    while place < len(lines):
        line = lines[place]
        end = place + 1
        if line.kind in DELTAS:
            while end < len(lines) and lines[end].kind in DELTAS and lines[end].part == line.part:
                end += 1
            steps.append((lines[end - 1].seq, _grown_text(buffer, line, lines[end - 1])))
        elif line.kind == "rethought" and line.part >= 0:
            steps.append((line.seq, _rethought(buffer, line)))
        elif line.part >= 0:
            steps.append((line.seq, _tool(buffer, line)))
        place = end
    return steps


def _grown_text(buffer: LiveBuffer, first: Line, last: Line) -> str:
    text = buffer.parts[first.part]["text"]
    element = part_id(buffer.turn, first.part)
    if first.start == 0:
        return _close_before(buffer, first.part) + _new_part(buffer, first.part, last) + _now(buffer, first.part)
    before, after = first.before, last.after
    if after == before:
        grows = f"{element}-open" if after.shape is None else f"{element}-tail"
        return fragment(escape(text[first.start : last.end]), f"#{grows}", "beforeend")
    done = markdown.render(text[before.closed : after.closed], growing=True) if after.closed > before.closed else ""
    closed = fragment(done, f"#{element}-done", "beforeend") if done else ""
    return closed + fragment(open_block(element, text[after.closed : last.end]), f"#{element}-open", "outerHTML")


def _new_part(buffer: LiveBuffer, index: int, upto: Line) -> str:
    """A part that begins: appended whole, as it was at line ``upto``."""
    part = {**buffer.parts[index]}
    if part["kind"] in DELTAS:
        part["text"] = part["text"][: upto.end]
    view = part_view(part, part_id(buffer.turn, index), growing=True, run_id=buffer.run_id, index=index)
    return fragment(draw("chat/_part.html", {"part": view}), f"#turn-{buffer.turn}-answer", "beforeend")


def _close_before(buffer: LiveBuffer, index: int) -> str:
    """The text part that ends because another part begins: rendered as a whole."""
    if index == 0 or buffer.parts[index - 1]["kind"] not in DELTAS:
        return ""
    element = part_id(buffer.turn, index - 1)
    view = part_view(buffer.parts[index - 1], element, growing=False)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML")


def _tool(buffer: LiveBuffer, line: Line) -> str:
    now = _now(buffer, line.last)
    if line.kind == "tool_started":
        return _close_before(buffer, line.part) + _new_call(buffer, line) + now
    element = part_id(buffer.turn, line.part)
    view = part_view(buffer.parts[line.part], element, growing=False, run_id=buffer.run_id, index=line.part)
    first = first_call(buffer.parts, line.part)
    end = line.part + 1
    while end <= line.last and buffer.parts[end]["kind"] == "tool" and first_call(buffer.parts, end) == first:
        end += 1  # not those that the tab is told of only later
    if end - first > 1 and view.shown:
        calls = calls_view(buffer.parts, buffer.turn, first, end, run_id=buffer.run_id)
        return fragment(draw("chat/_part.html", {"part": calls}), f"#{calls.id}", "outerHTML") + now
    head = _calls_head(buffer, first, end) if end - first > 1 else ""
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML") + head + now


def _new_call(buffer: LiveBuffer, line: Line) -> str:
    """A call that begins: a part of its own, or one more of the calls of the same tool before it."""
    first, end = first_call(buffer.parts, line.part), line.part + 1
    if end - first == 1:
        return _new_part(buffer, line.part, line)
    if end - first == 2:  # noqa: PLR2004 - the first call moves into a place for both
        view = calls_view(buffer.parts, buffer.turn, first, end, run_id=buffer.run_id)
        return fragment(draw("chat/_part.html", {"part": view}), f"#{part_id(buffer.turn, first)}", "outerHTML")
    call = part_view(buffer.parts[line.part], part_id(buffer.turn, line.part), growing=False, run_id=buffer.run_id, index=line.part)
    added = fragment(draw("chat/_part.html", {"part": call}), f"#{calls_id(buffer.turn, first)}-all", "beforeend")
    return added + _calls_head(buffer, first, end)


def _calls_head(buffer: LiveBuffer, first: int, end: int) -> str:
    view = calls_view(buffer.parts, buffer.turn, first, end, run_id=buffer.run_id)
    return fragment(draw("chat/_part.html#calls-head", {"part": view}), f"#{view.id}-head", "outerHTML")


def _rethought(buffer: LiveBuffer, line: Line) -> str:
    """A text turns out to be reasoning: it is folded."""
    element = part_id(buffer.turn, line.part)
    view = part_view(buffer.parts[line.part], element, growing=True)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML") + _now(buffer, line.part)


def _now(buffer: LiveBuffer, index: int) -> str:
    return fragment(escape(activity(buffer.parts[: index + 1])), f"#turn-{buffer.turn}-now", "innerHTML")
