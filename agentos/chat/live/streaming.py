"""The transcript of a live tab: what changed since its cursor, as fragments. State goes as whole turns, a growing answer
as what was added to it. What has to be rendered for it is rendered away from the event loop, and once for all tabs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from agentos.chat import queries
from agentos.chat.files import attachments_of
from agentos.chat.live.buffer import MEMBER, Growing, Line, LiveBuffer, live_buffers
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.elements import calls_id, part_id
from agentos.chat.live.part_views import CallsView, PartView, activity, calls_view, delegation_view, first_call, open_block, part_view
from agentos.chat.live.parts import DELTAS, Part
from agentos.chat.live.transcript import shown_parts
from agentos.chat.live.turns import TurnView, choices_for, missing_of, turn_view
from agentos.chat.models import ChatSession, Run, RunFile
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
    files: Mapping[int, list[RunFile]]

    def views(self, *, may_write: bool, tests_of: str = "") -> list[TurnView]:
        about: dict[str, Any] = {"agent_name": self.session.agent.name, "tests_of": tests_of}
        views = []
        for run, parts, missing in self.runs:
            where: dict[str, Any] = {"is_last": run.turn == self.newest, "may_write": may_write}
            choices = choices_for(run, self.session, **where)
            views.append(turn_view(run, parts, missing=missing, choices=choices, files=self.files.get(run.pk, ()), **where, **about))
        return views


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
    return Change(session, shown, gone, seen, newest, attachments_of([run for run, _, _ in shown]))


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
    return _rendered_by(buffer, buffer.after(seq))


def _rendered_by(buffer: Growing, lines: Sequence[Line]) -> int:
    characters = 0
    for line in lines:
        if line.part < 0:
            continue
        if line.inner and isinstance(buffer, LiveBuffer):
            characters += _rendered_by(buffer.inner[line.part], [line.inner])
            continue
        if line.kind not in DELTAS:
            characters += _length(buffer.parts[line.part])
        if line.part and line.start == 0:  # it may close the part before it
            characters += len(buffer.parts[line.part - 1].get("text", ""))
        if line.after != line.before:
            characters += line.after.closed - line.before.closed + (line.after.shape.end if line.after.shape else 0)
    return characters


def _length(part: Part) -> int:
    return (A_DRAWING if part.get("shown") else len(part.get("text", ""))) + sum(map(_length, part.get("parts", ())))


def growth(buffer: LiveBuffer, seq: int) -> list[tuple[int, str]]:
    """Return the steps that take a tab from ``seq`` of this run's journal to its end: up to where, and the fragments.

    A step may need a place that the step before it made, and htmx looks for all places of a frame before it fills the
    first: so each step is a frame of its own.
    """
    return _steps(buffer, buffer.after(seq))


def _steps(buffer: Growing, lines: Sequence[Line]) -> list[tuple[int, str]]:
    steps: list[tuple[int, str]] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        end = place + 1
        while end < len(lines) and _goes_on(line, lines[end]):
            end += 1
        if line.part >= 0:
            steps += _step(buffer, lines[place:end])
        place = end
    return steps


def _goes_on(line: Line, after: Line) -> bool:
    """Whether what ``after`` says is told together with ``line``: text of one part, or what happens in one delegation."""
    alike = (line.kind in DELTAS and after.kind in DELTAS) or line.kind == after.kind == MEMBER
    return alike and line.part == after.part


def _step(buffer: Growing, lines: Sequence[Line]) -> list[tuple[int, str]]:
    first, last = lines[0], lines[-1]
    if first.kind == MEMBER and isinstance(buffer, LiveBuffer):
        return _steps(buffer.inner[first.part], [line.inner for line in lines if line.inner])
    if first.kind in DELTAS:
        return [(last.seq, _grown_text(buffer, first, last))]
    tell = _delegation if first.kind in {"delegated", "delegation_ended"} else _rethought if first.kind == "rethought" else _tool
    return [(first.seq, tell(buffer, first))]


def _grown_text(buffer: Growing, first: Line, last: Line) -> str:
    text = buffer.parts[first.part]["text"]
    element = part_id(buffer.element, first.part)
    if first.start == 0:
        return _close_before(buffer, first.part) + _new_part(buffer, first.part, last) + _now(buffer, first.part)
    before, after = first.before, last.after
    if after == before:
        grows = f"{element}-open" if after.shape is None else f"{element}-tail"
        return fragment(escape(text[first.start : last.end]), f"#{grows}", "beforeend")
    done = markdown.render(text[before.closed : after.closed], growing=True) if after.closed > before.closed else ""
    closed = fragment(done, f"#{element}-done", "beforeend") if done else ""
    return closed + fragment(open_block(element, text[after.closed : last.end]), f"#{element}-open", "outerHTML")


def _new_part(buffer: Growing, index: int, upto: Line) -> str:
    """A part that begins: appended whole, as it was at line ``upto``."""
    part = {**buffer.parts[index]}
    if part["kind"] in DELTAS:
        part["text"] = part["text"][: upto.end]
    how: dict[str, Any] = {"growing": True, "run_id": buffer.run_id, "index": buffer.first + index}
    view = part_view(part, part_id(buffer.element, index), **how)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{buffer.element}-answer", "beforeend")


def _close_before(buffer: Growing, index: int) -> str:
    """The text part that ends because another part begins: rendered as a whole."""
    if index == 0 or buffer.parts[index - 1]["kind"] not in DELTAS:
        return ""
    element = part_id(buffer.element, index - 1)
    view = part_view(buffer.parts[index - 1], element, growing=False)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML")


def _tool(buffer: Growing, line: Line) -> str:
    now = _now(buffer, line.last)
    if line.kind == "tool_started":
        return _close_before(buffer, line.part) + _new_call(buffer, line) + now
    element = part_id(buffer.element, line.part)
    view = part_view(buffer.parts[line.part], element, growing=False, run_id=buffer.run_id, index=buffer.first + line.part)
    first = first_call(buffer.parts, line.part)
    end = line.part + 1
    while end <= line.last and buffer.parts[end]["kind"] == "tool" and first_call(buffer.parts, end) == first:
        end += 1  # not those that the tab is told of only later
    if end - first > 1 and view.shown:
        calls = _calls(buffer, first, end)
        return fragment(draw("chat/_part.html", {"part": calls}), f"#{calls.id}", "outerHTML") + now
    head = _calls_head(buffer, first, end) if end - first > 1 else ""
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML") + head + now


def _delegation(buffer: Growing, line: Line) -> str:
    """A delegation begins, goes on or ends: its head says so. What is inside it is told by its own lines."""
    now = _now(buffer, line.last)
    element = part_id(buffer.element, line.part)
    if line.kind == "delegated" and line.is_new:
        view = delegation_view(
            {**buffer.parts[line.part], "status": "running", "result": "", "parts": []}, element, run_id=buffer.run_id, index=line.part
        )
        return _close_before(buffer, line.part) + fragment(_part(view), f"#{buffer.element}-answer", "beforeend") + now
    view = delegation_view(buffer.parts[line.part], element, run_id=buffer.run_id, index=line.part)
    if line.kind == "delegation_ended":
        return fragment(_part(view), f"#{element}", "outerHTML") + now
    return fragment(draw("chat/_part.html#delegation-head", {"part": view}), f"#{element}-head", "outerHTML") + now


def _part(view: PartView) -> str:
    return draw("chat/_part.html", {"part": view})


def _new_call(buffer: Growing, line: Line) -> str:
    """A call that begins: a part of its own, or one more of the calls of the same tool before it."""
    first, end = first_call(buffer.parts, line.part), line.part + 1
    if end - first == 1:
        return _new_part(buffer, line.part, line)
    if end - first == 2:  # noqa: PLR2004 - the first call moves into a place for both
        view = _calls(buffer, first, end)
        return fragment(draw("chat/_part.html", {"part": view}), f"#{part_id(buffer.element, first)}", "outerHTML")
    how: dict[str, Any] = {"growing": False, "run_id": buffer.run_id, "index": buffer.first + line.part}
    call = part_view(buffer.parts[line.part], part_id(buffer.element, line.part), **how)
    added = fragment(draw("chat/_part.html", {"part": call}), f"#{calls_id(buffer.element, first)}-all", "beforeend")
    return added + _calls_head(buffer, first, end)


def _calls(buffer: Growing, first: int, end: int) -> CallsView:
    return calls_view(buffer.parts, buffer.element, first, end, run_id=buffer.run_id, place=buffer.first)


def _calls_head(buffer: Growing, first: int, end: int) -> str:
    view = _calls(buffer, first, end)
    return fragment(draw("chat/_part.html#calls-head", {"part": view}), f"#{view.id}-head", "outerHTML")


def _rethought(buffer: Growing, line: Line) -> str:
    """A text turns out to be reasoning: it is folded."""
    element = part_id(buffer.element, line.part)
    view = part_view(buffer.parts[line.part], element, growing=True)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML") + _now(buffer, line.part)


def _now(buffer: Growing, index: int) -> str:
    """What the run does at the moment; inside a delegation nothing is said of it."""
    if not isinstance(buffer, LiveBuffer):
        return ""
    return fragment(escape(activity(buffer.parts[: index + 1])), f"#{buffer.element}-now", "innerHTML")
