"""Chats of an export become chats of this user: with one agent, which answers what is said in them from now on.

They come in batches, each in a transaction of its own: whatever happens, a chat is here with all that was brought of it, or not at all,
and the report says how many are. The same file again brings what is not here. Nothing in them is ever run: a tool's call is text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from django.db import DatabaseError, IntegrityError, transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import limits
from agentos.chat.actions.opening import check_agent_open
from agentos.chat.importing.reading import SOURCES, Given, GivenChat, GivenTurn, LeftOut
from agentos.chat.live.parts import text_of
from agentos.chat.live.revisions import publish_to_owner
from agentos.chat.models import ChatSession, Run, searchable_text
from agentos.chat.titles import title_of
from agentos.core import clock, db
from agentos.core.http.errors import Problem
from agentos.core.text import folded

BATCH = 200  # turns of a transaction, about
KEYS = 500  # asked for at once
PERSON, MESSAGE = ChatSession.TitledBy.PERSON, ChatSession.TitledBy.MESSAGE


@dataclass(slots=True)
class Report:
    """What an import brings, or would: chats and their messages. ``known``: chats of the file that are here already. ``trouble``: why it
    ended before all were brought."""

    sources: list[str]
    chats: int
    messages: int
    known: int = 0
    first: datetime | None = None
    last: datetime | None = None
    titles: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    trouble: str = ""


def preview(given: Given, user: User) -> Report:
    """Count what would come now."""
    known = _known(user, [chat.imported_as for chat in given.chats])
    new = {chat.imported_as: chat for chat in given.chats if chat.imported_as not in known}
    report = _report(given, list(new.values()))
    report.known = len(given.chats) - len(new)
    return report


def _report(given: Given, chats: Sequence[GivenChat]) -> Report:
    moments = sorted(moment for chat in chats if (moment := _begun(chat)))
    return Report(
        sources=[SOURCES[name] for name in sorted({chat.source for chat in given.chats})],
        chats=len(chats),
        messages=sum(len(chat.turns) for chat in chats),
        first=moments[0] if moments else None,
        last=moments[-1] if moments else None,
        titles=[_title(chat) for chat in chats[:20]],
        left_out=given.left_out,
    )


def bring(*, given: Given, agent: DjangoAgent, by: User, archive: bool = False) -> Report:
    """Bring all chats that are not here. ``archive``: into the archive. Raises AgentClosed, TooMuch."""
    _check(agent, by)
    brought: list[GivenChat] = []
    trouble = ""
    for batch in _batches(given.chats):
        new, trouble = _bring_or_say(batch, agent, by, archive)
        brought += new
        if trouble:
            break
    return _ended(given, brought, trouble)


async def bring_away(*, given: Given, agent: DjangoAgent, by: User, archive: bool = False) -> Report:
    """Do ``bring`` from the loop. Between two batches others write."""
    await db.write(_check, agent, by)
    brought: list[GivenChat] = []
    trouble = ""
    for batch in _batches(given.chats):
        new, trouble = await db.write(_bring_or_say, batch, agent, by, archive)
        brought += new
        if trouble:
            break
    return _ended(given, brought, trouble)


def _check(agent: DjangoAgent, by: User) -> None:
    limits.check_creation(by)
    check_agent_open(agent, by)


def _ended(given: Given, brought: Sequence[GivenChat], trouble: str) -> Report:
    report = _report(given, brought)
    report.trouble = trouble
    report.known = 0 if trouble else len(given.chats) - len(brought)
    return report


def _batches(chats: Sequence[GivenChat]) -> Iterator[list[GivenChat]]:
    batch: list[GivenChat] = []
    for chat in chats:
        batch.append(chat)
        if sum(len(each.turns) for each in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _bring_or_say(batch: Sequence[GivenChat], agent: DjangoAgent, by: User, archive: bool) -> tuple[list[GivenChat], str]:  # noqa: FBT001
    """Return what was brought; nothing, and why, where it could not be."""
    try:
        try:
            return _bring(batch, agent, by, archive=archive), ""
        except IntegrityError:  # the same file comes twice at once: what the other one has brought is here now
            return _bring(batch, agent, by, archive=archive), ""
    except Problem as problem:
        return [], problem.sentence
    except DatabaseError:
        return [], _("The database did not take them.")


def _bring(batch: Sequence[GivenChat], agent: DjangoAgent, by: User, *, archive: bool) -> list[GivenChat]:
    with transaction.atomic():
        check_agent_open(agent, by)
        keys = {chat.imported_as: chat for chat in batch}
        known = _known(by, list(keys))
        new = [chat for key, chat in keys.items() if key not in known]
        # One that was deleted comes anew, and the deleted one may still be brought back beside it.
        ChatSession.objects.filter(user=by, imported_as__in=[chat.imported_as for chat in new]).update(imported_as="")
        sessions = ChatSession.objects.bulk_create([_session(chat, agent, by, archive=archive) for chat in new])
        runs = [run for chat, session in zip(new, sessions, strict=True) for run in _runs(chat, session, by)]
        Run.objects.bulk_create(runs)
        for before, run in pairwise(runs):
            run.follows = before.pk if before.session_id == run.session_id else None
        Run.objects.bulk_update(runs, ["follows"])
        for chat, session in zip(new, sessions, strict=True):
            about = {"agent": agent.agent_id, "source": chat.source, "turns": len(chat.turns)}
            record("chat.session.imported", by=by, object_type="session", object_id=session.session_id, **about)
        if sessions:
            publish_to_owner(sessions[-1])
    return new


def _known(user: User, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), KEYS):
        here = ChatSession.objects.filter(user=user, imported_as__in=keys[start : start + KEYS], deleted_at=None)
        found.update(here.values_list("imported_as", flat=True))
    return found


def _session(chat: GivenChat, agent: DjangoAgent, by: User, *, archive: bool) -> ChatSession:
    title, begun = _title(chat), _begun(chat) or clock.now()
    return ChatSession(
        user=by,
        agent=agent,
        title=title,
        titled_by=PERSON if chat.title else MESSAGE,
        searchable=folded(title),
        is_pinned=chat.is_pinned and not archive,
        is_archived=chat.is_archived or archive,
        created_at=begun,
        updated_at=_past(chat.updated_at) or _past(chat.turns[-1].answered_at) or begun,
        forked_at_turn=len(chat.turns),
        imported_as=chat.imported_as,
    )


def _runs(chat: GivenChat, session: ChatSession, by: User) -> list[Run]:
    return [_run(turn, number, session, by) for number, turn in enumerate(chat.turns, start=1)]


def _run(turn: GivenTurn, number: int, session: ChatSession, by: User) -> Run:
    answer = text_of(turn.parts)
    sent_at = _past(turn.sent_at) or session.created_at
    return Run(
        session=session,
        by=by,
        turn=number,
        input=turn.message,
        status=turn.status,
        model=turn.model,
        parts=turn.parts,
        answer=answer,
        searchable=searchable_text(turn.message, answer),
        created_at=sent_at,
        finished_at=_past(turn.answered_at) or sent_at,
    )


def _title(chat: GivenChat) -> str:
    return chat.title or title_of(chat.turns[0].message)


def _begun(chat: GivenChat) -> datetime | None:
    return _past(chat.created_at) or _past(chat.turns[0].sent_at)


def _past(moment: datetime | None) -> datetime | None:
    """Nothing was said in the future."""
    return min(moment, clock.now()) if moment else None
