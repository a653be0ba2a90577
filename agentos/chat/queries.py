"""Reading chats: every object through ``*_for(user)``, so that a stranger finds nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

from agentos.access.users import User
from agentos.agents.history import Turn
from agentos.chat.live.parts import DELTAS, Part, fold
from agentos.chat.models import ChatSession, ChatSummary, Run, RunEvent, RunFile
from agentos.core.db.prepared import Query
from agentos.core.text import whole_number
from agentos.files.models import Attachment

PAGE_TURNS = 30
PAGE_SESSIONS = 30
PINNED_LIMIT = 100
FORKS_LIMIT = 50
SUMMED_FROM = 4  # turns: no shorter chat is summed up


def sessions_for(user: User) -> QuerySet[ChatSession]:
    """The user's own chats that are not deleted, newest activity first, with their agent. Ephemeral ones are no chats."""
    chats = ChatSession.objects.filter(user=user, deleted_at__isnull=True, is_ephemeral=False)
    return chats.select_related("agent").order_by("-updated_at", "-pk")


def listed_sessions(user: User) -> QuerySet[ChatSession]:
    """The same, as lists show them: each with ``is_running`` (a queued message counts) and ``is_waiting``."""
    runs = Run.objects.filter(session=OuterRef("pk"))
    return sessions_for(user).annotate(
        is_running=Exists(runs.filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING))),
        is_waiting=Exists(runs.filter(status=Run.Status.WAITING)),
    )


def session_for(user: User, session_id: str) -> ChatSession | None:
    found = _SESSION_FOR.first(user.pk, session_id)
    if found:
        found.user = user
    return found


_SESSION_FOR = Query(
    lambda user, session_id: sessions_for(User(pk=user)).select_related("forked_from").filter(session_id=session_id), int, str
)


def shown_session(session_pk: int) -> ChatSession:
    """What stands round a transcript, and no more of it. Raises ChatSession.DoesNotExist."""
    if session := _SHOWN_SESSION.first(session_pk):
        return session
    raise ChatSession.DoesNotExist


_HEAVY = ("description", "instructions", "tools", "capabilities", "starters")
_SHOWN_SESSION = Query(
    lambda pk: (
        ChatSession.objects.select_related("agent", "forked_from")
        .defer("given_history", "forked_from__given_history", *(f"agent__{name}" for name in _HEAVY))
        .filter(pk=pk)
    ),
    int,
)


def deleted_session_for(user: User, session_id: str) -> ChatSession | None:
    """A chat that its owner deleted and may still bring back."""
    return ChatSession.objects.filter(user=user, deleted_at__isnull=False, session_id=session_id).first()


def run_for(user: User, run_id: str) -> Run | None:
    """A run in one of the user's own chats."""
    runs = Run.objects.filter(session__user=user, session__deleted_at__isnull=True, session__is_ephemeral=False)
    return runs.select_related("session__agent").filter(run_id=run_id).first()


def run_of(session: ChatSession, run_id: str) -> Run | None:
    """A run of this chat that can be shown, whether it is or not: not what was withdrawn or erased."""
    return Run.objects.filter(session=session, run_id=run_id, version__gt=0).first()


@dataclass(frozen=True, slots=True)
class SessionPage:
    """``next``: the cursor of the page after this one, empty when there is none."""

    sessions: list[ChatSession]
    next: str = ""


def pinned_sessions(user: User) -> list[ChatSession]:
    return _PINNED.all(user.pk)


_PINNED = Query(lambda user: listed_sessions(User(pk=user)).filter(is_pinned=True, is_archived=False)[:PINNED_LIMIT], int)


def listed_session(user: User, session_pk: int) -> ChatSession | None:
    """One chat as the lists show it."""
    return _LISTED.first(user.pk, session_pk)


_LISTED = Query(lambda user, session: listed_sessions(User(pk=user)).filter(pk=session), int, int)


def recent_sessions(user: User, *, before: str = "", archived: bool = False) -> SessionPage:
    """A page of chats that are not pinned, by last activity. ``before`` is the ``next`` of the page before."""
    if place := _place(before):
        at, pk = place
        older = Q(updated_at__lt=at) | Q(updated_at=at, pk__lt=pk)
        found = list(_by_activity(user, archived=archived).filter(older)[: PAGE_SESSIONS + 1])
    else:
        found = (_ARCHIVED if archived else _RECENT).all(user.pk)
    if len(found) <= PAGE_SESSIONS:
        return SessionPage(found)
    last = found[PAGE_SESSIONS - 1]
    return SessionPage(found[:PAGE_SESSIONS], next=f"{last.updated_at.isoformat()}~{last.pk}")


def _by_activity(user: User, *, archived: bool) -> QuerySet[ChatSession]:
    sessions = listed_sessions(user).filter(is_archived=archived)
    return sessions if archived else sessions.filter(is_pinned=False)


_RECENT = Query(lambda user: _by_activity(User(pk=user), archived=False)[: PAGE_SESSIONS + 1], int)
_ARCHIVED = Query(lambda user: _by_activity(User(pk=user), archived=True)[: PAGE_SESSIONS + 1], int)


def _place(cursor: str) -> tuple[datetime, int] | None:
    """Read a cursor; one that is not ours counts as none."""
    at, _, pk = cursor.partition("~")
    try:
        moment = parse_datetime(at)
    except ValueError:
        return None
    number = whole_number(pk, digits=18)  # of 64 bits
    return None if moment is None or moment.tzinfo is None or number is None else (moment, number)


def forks_of(session: ChatSession) -> list[ChatSession]:
    """The chats that were forked from this one, by its owner."""
    return list(listed_sessions(session.user).filter(forked_from=session)[:FORKS_LIMIT])


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns in reading order. ``older``: the turn number to ask before for the page above, None when this is the beginning."""

    runs: list[Run]
    older: int | None = None


def visible_runs(session: ChatSession) -> QuerySet[Run]:
    """The session's turns as they are shown."""
    return shown(Run.objects.filter(session=session, is_hidden=False))


def shown(runs: QuerySet[Run]) -> QuerySet[Run]:
    """The runs with what is shown of them, and without the heavy columns that only the model needs."""
    return runs.select_related("feedback").defer("messages", "agno_output", "context", "options", "searchable")


def turns(session: ChatSession, *, before: int | None = None, limit: int = PAGE_TURNS) -> Turns:
    """The last turns, or the last ones before turn ``before``."""
    runs = visible_runs(session).order_by("-turn", "-pk")
    if before is not None:
        runs = runs.filter(turn__lt=before)
    found = list(runs[: limit + 1])
    older = found[limit - 1].turn if len(found) > limit else None
    return Turns(list(reversed(found[:limit])), older)


def turns_through(run: Run, *, limit: int = PAGE_TURNS) -> Turns:
    """The turns that led to this one, and it, whether they are shown or not: a version that is not chosen, as it was said."""
    rows = Run.objects.filter(session=run.session_id, turn__lt=run.turn).values_list("pk", "follows", "version")
    before = {pk: (follows, version) for pk, follows, version in rows}
    path, key = [run.pk], run.follows
    while key is not None and key in before:
        follows, version = before.pop(key)
        if version:
            path.append(key)
        key = follows
    found = list(shown(Run.objects.filter(pk__in=path[:limit])).order_by("turn"))
    return Turns(found, found[0].turn if len(path) > limit else None)


def changed_runs(session: ChatSession, revision: int) -> list[Run]:
    """Runs that changed after ``revision``, hidden ones too: a live tab takes those away."""
    return _CHANGED_RUNS.all(session.pk, revision)


def versions(run: Run) -> list[Run]:
    """All versions of a turn, by message and answer; not what was withdrawn or erased."""
    return list(
        shown(Run.objects.filter(session=run.session_id, turn=run.turn, follows=run.follows, version__gt=0)).order_by("edition", "version")
    )


def runs_of_turn(session: ChatSession, turn: int) -> list[Run]:
    return _RUNS_OF_TURN.all(session.pk, turn)


def newest_turn(session: ChatSession) -> int:
    return _NEWEST_TURN.value(session.pk) or 0


_CHANGED_RUNS = Query(
    lambda session, revision: shown(Run.objects.filter(session=session, revision__gt=revision)).order_by("turn", "pk"), int, int
)
_RUNS_OF_TURN = Query(lambda session, turn: shown(Run.objects.filter(session=session, is_hidden=False, turn=turn)), int, int)
_NEWEST_TURN = Query(
    lambda session: Run.objects.filter(session=session, is_hidden=False).order_by("-turn").values_list("turn", flat=True)[:1], int
)


@dataclass(frozen=True, slots=True)
class JournalLine:
    seq: int
    kind: str
    data: dict[str, Any]


def journal(run: Run, *, after: int = 0) -> list[JournalLine]:
    return [JournalLine(*row) for row in _JOURNAL.rows(run.pk, after)]


_JOURNAL = Query(
    lambda run, after: RunEvent.objects.filter(run=run, seq__gt=after).order_by("seq").values_list("seq", "kind", "data"),
    int,
    int,
)


def first_token_at(run: Run) -> datetime | None:
    """When the first words were stored, of a run whose journal is not folded yet."""
    moment: datetime | None = _FIRST_TOKEN.value(run.pk)
    return moment


_FIRST_TOKEN = Query(
    lambda run: RunEvent.objects.filter(run=run, kind__in=sorted(DELTAS)).order_by("seq").values_list("created_at", flat=True)[:1], int
)


def parts_so_far(run: Run) -> tuple[list[Part], int]:
    """The answer of a run that is still open, and the last ``seq`` that it holds."""
    lines = journal(run)
    return fold((line.kind, line.data) for line in lines), (lines[-1].seq if lines else 0)


def history(run: Run, limit: int, *, after: int = 0) -> list[Turn]:
    """The last ``limit`` turns before this run's, as the model is shown them; none up to turn ``after``."""
    return history_with_files(run, limit, after=after)[0]


def history_with_files(run: Run, limit: int, *, after: int = 0) -> tuple[list[Turn], dict[int, list[Attachment]]]:
    """The same, with the files of the messages by their place in it. Those that a model has refused are left out."""
    rows = _HISTORY.rows(run.session_id, run.turn, max(run.turn - limit, after + 1))
    counted = [pk for _input, _answer, _messages, pk, count, _code in rows if count]
    attached = files_of_messages(counted) if counted else {}
    turns, found = [], {}
    for place, (said, answer, messages, pk, _count, code) in enumerate(rows):
        of_turn = attached.get(pk, [])
        if of_turn and not messages:
            said = "\n".join(filter(None, (said, *(f"[attached: {each.name}]" for each in of_turn))))  # noqa: PLW2901
        turns.append(Turn(said, answer, messages))
        if of_turn and code != "media_refused":
            found[place] = of_turn
    return turns, found


def files_of_messages(runs: Iterable[int]) -> dict[int, list[Attachment]]:
    """The files of messages, by the keys of their runs."""
    found: dict[int, list[Attachment]] = {}
    rows = RunFile.objects.select_related("attachment__blob").filter(run__in=list(runs), origin=RunFile.Origin.PERSON)
    for row in rows.order_by("run", "position"):
        found.setdefault(row.run_id, []).append(row.attachment)
    return found


def summary_before(run: Run) -> ChatSummary | None:
    """What tells the beginning of this run's chat, as it is shown."""
    return _SUMMARY.first(run.session_id, run.turn) if run.turn > SUMMED_FROM else None


_SUMMARY = Query(
    lambda session, turn: (
        ChatSummary.objects.select_related("through")
        .defer("through__messages", "through__parts", "through__agno_output")
        .filter(session=session, through__is_hidden=False, through__turn__lt=turn)
    ),
    int,
    int,
)


_HISTORY = Query(
    lambda session, before, since: (
        Run.objects.filter(session=session, is_hidden=False, turn__lt=before, turn__gte=since, status__in=Run.ENDED)
        .order_by("turn")
        .values_list("input", "answer", "messages", "pk", "file_count", "error_code")
    ),
    int,
    int,
    int,
)
