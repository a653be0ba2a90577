"""A session as a page shows it, with the cursor from which the live stream goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentos.chat import queries
from agentos.chat.asks import Ask
from agentos.chat.files import attachments_of
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.parts import Part
from agentos.chat.live.turns import TurnView, choices_for, missing_of, tests_of, turn_view
from agentos.chat.models import ChatSession, Run

Asked = Mapping[int, list[Ask]]  # by the key of the run


@dataclass(frozen=True, slots=True)
class Transcript:
    """``older``: the turn number to ask before for what stands above, None at the beginning."""

    turns: list[TurnView]
    older: int | None
    cursor: str
    is_busy: bool


def open_transcript(
    session: ChatSession, *, may_write: bool, before: int | None = None, through: Run | None = None, asks: Asked | None = None
) -> Transcript:
    """Read the last turns of a session, those before turn ``before``, or those up to a run that need not be shown (``through``).
    ``asks``: in the place of what runs ask, by their keys.

    The cursor's revision is the session's as it was read before its turns: what changes in between is sent again, never missed.
    """
    page = queries.turns_through(through) if through else queries.turns(session, before=before)
    newest = page.runs[-1].turn if page.runs and before is None and through is None else 0
    cursor = Cursor(session.revision)
    views, kept_for = [], tests_of(session)
    files = attachments_of(page.runs)
    for run in page.runs:
        parts, seq = shown_parts(run)
        if run.status == Run.Status.RUNNING:
            cursor = Cursor(session.revision, run.pk, seq)
        where: dict[str, Any] = {"is_last": run.turn == newest, "may_write": may_write}
        about: dict[str, Any] = {"agent_name": session.agent.name, "missing": missing_of(run, session), "tests_of": kept_for}
        view = turn_view(run, parts, **about, **where, choices=choices_for(run, session, **where), files=files.get(run.pk, ()))
        views.append(replace(view, refused=asks[run.pk]) if asks and run.pk in asks else view)
    return Transcript(turns=views, older=page.older, cursor=str(cursor), is_busy=any(run.is_open for run in page.runs))


def shown_parts(run: Run) -> tuple[list[Part], int]:
    """The answer as it is now, and the journal's last number in it (0 unless the run is running)."""
    if run.status == Run.Status.RUNNING:
        return queries.parts_so_far(run)
    return run.parts, 0
