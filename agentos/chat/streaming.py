"""The transcript of a live tab: what changed since its cursor, as fragments. State goes as whole turns, a growing answer
as what was added to it."""

from dataclasses import dataclass
from html import escape

from agentos.chat import queries
from agentos.chat.cursor import Cursor
from agentos.chat.drafts import Draft, Line, drafts
from agentos.chat.models import ChatSession, Run
from agentos.chat.parts import DELTAS
from agentos.chat.transcript import shown_parts
from agentos.chat.turns import TurnView, activity, open_block, part_id, part_view, turn_view
from agentos.core import markdown
from agentos.core.compiled import draw
from agentos.core.fragments import fragment


@dataclass(frozen=True, slots=True)
class Change:
    """What a state check found: the turns to show, those to take away, and whether the frame round them has to follow."""

    session: ChatSession
    turns: list[TurnView]
    gone: list[int]
    cursor: Cursor


def changes(session_pk: int, cursor: Cursor, *, may_write: bool) -> Change | None:
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
    views = []
    for run in _with_last(session, [run for run in runs if not run.is_hidden], newest):
        parts, seq = shown_parts(run)
        if run.status == Run.Status.RUNNING:
            seen = Cursor(session.revision, run.pk, seq)
        views.append(turn_view(run, parts, agent_name=session.agent.name, is_last=run.turn == newest, may_write=may_write))
    return Change(session, views, gone, seen)


def _with_last(session: ChatSession, runs: list[Run], newest: int) -> list[Run]:
    """Add the turns next to a changed one whose buttons depend on which turn is the last."""
    turns = {run.turn for run in runs}
    if not newest:
        return runs
    around = {newest, *(turn - 1 for turn in turns)} - turns - {0}
    beside = [run for turn in around for run in queries.runs_of_turn(session, turn)]
    return sorted([*runs, *beside], key=lambda run: run.turn)


def render_turn(view: TurnView) -> str:
    return draw("chat/_turn.html", {"turn": view})


def draft_for(session_pk: int) -> Draft | None:
    """The running answer as this process knows it, without asking the database."""
    return drafts.of_session(session_pk)


def growth(draft: Draft, seq: int) -> list[tuple[int, str]]:
    """Return the steps that take a tab from ``seq`` of this run's journal to its end: up to where, and the fragments.

    A step may need a place that the step before it made, and htmx looks for all places of a frame before it fills the
    first: so each step is a frame of its own.
    """
    steps: list[tuple[int, str]] = []
    lines = draft.after(seq)
    place = 0
    while place < len(lines):
        line = lines[place]
        end = place + 1
        if line.kind in DELTAS:
            while end < len(lines) and lines[end].kind in DELTAS and lines[end].part == line.part:
                end += 1
            steps.append((lines[end - 1].seq, _grown_text(draft, line, lines[end - 1])))
        elif line.part >= 0:
            steps.append((line.seq, _tool(draft, line)))
        place = end
    return steps


def _grown_text(draft: Draft, first: Line, last: Line) -> str:
    text = draft.parts[first.part]["text"]
    element = part_id(draft.turn, first.part)
    if first.start == 0:
        return _close_before(draft, first.part) + _new_part(draft, first.part, last) + _now(draft, first.part)
    before, after = first.before, last.after
    if after == before:
        grows = f"{element}-open" if after.shape is None else f"{element}-tail"
        return fragment(escape(text[first.start : last.end]), f"#{grows}", "beforeend")
    done = markdown.render(text[before.closed : after.closed]) if after.closed > before.closed else ""
    closed = fragment(done, f"#{element}-done", "beforeend") if done else ""
    return closed + fragment(open_block(element, text[after.closed : last.end]), f"#{element}-open", "outerHTML")


def _new_part(draft: Draft, index: int, upto: Line) -> str:
    """A part that begins: appended whole, as it was at line ``upto``."""
    part = {**draft.parts[index]}
    if part["kind"] in DELTAS:
        part["text"] = part["text"][: upto.end]
    view = part_view(part, part_id(draft.turn, index), growing=True)
    return fragment(draw("chat/_part.html", {"part": view}), f"#turn-{draft.turn}-answer", "beforeend")


def _close_before(draft: Draft, index: int) -> str:
    """The text part that ends because another part begins: rendered as a whole."""
    if index == 0 or draft.parts[index - 1]["kind"] not in DELTAS:
        return ""
    element = part_id(draft.turn, index - 1)
    view = part_view(draft.parts[index - 1], element, growing=False)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML")


def _tool(draft: Draft, line: Line) -> str:
    part = draft.parts[line.part]
    if line.kind == "tool_started":
        return _close_before(draft, line.part) + _new_part(draft, line.part, line) + _now(draft, line.part)
    element = part_id(draft.turn, line.part)
    view = part_view(part, element, growing=False)
    return fragment(draw("chat/_part.html", {"part": view}), f"#{element}", "outerHTML") + _now(draft, line.part)


def _now(draft: Draft, index: int) -> str:
    return fragment(escape(activity(draft.parts[: index + 1])), f"#turn-{draft.turn}-now", "innerHTML")
