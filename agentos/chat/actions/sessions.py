"""A chat as a thing: open, rename, pin, archive, delete, bring back, fork."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import limits
from agentos.chat.actions.opening import check_agent_open
from agentos.chat.actions.runs import stop_run
from agentos.chat.actions.versions import take_out
from agentos.chat.errors import InvalidInput, WrongState
from agentos.chat.files import copy_files
from agentos.chat.live.revisions import change, lock, publish_to_owner
from agentos.chat.models import TEXTLESS, TITLE_LIMIT, ChatSession, ChatSummary, Feedback, Run, RunEvent, RunFile
from agentos.chat.titles import title_of, title_of_fork
from agentos.core import clock
from agentos.core.events import emit
from agentos.core.text import clean
from agentos.knowledge.queries import readable

BASES = 20  # of one chat
PERSON = ChatSession.TitledBy.PERSON
VERSIONS = {"edition", "editions", "version", "versions"}
FORGOTTEN = {
    "id",
    "run_id",
    "session",
    "retry_of",
    "continues",
    "revision",
    "lease_until",
    "follows",
    "file_count",
    *VERSIONS,
}  # by a copied turn


def create_session(*, agent: DjangoAgent, by: User, title: str = "", history: Sequence[dict[str, str]] = ()) -> ChatSession:
    """Open an empty chat; ``history`` is what was said before it, elsewhere. Raises AgentClosed, InvalidInput."""
    with transaction.atomic():
        check_agent_open(agent, by)
        named = {"title": _title(title), "titled_by": PERSON} if _title(title) else {}
        session = ChatSession.objects.create(user=by, agent=agent, given_history=list(history), **named)
        record("chat.session.created", by=by, object_type="session", object_id=session.session_id, agent=agent.agent_id)
        publish_to_owner(session)
        emit("session.created", session=session)
    return session


def rename_session(*, session: ChatSession, title: str, by: User) -> None:
    """Give a chat another title. Raises InvalidInput."""
    new = _title(title)
    if not new:
        raise InvalidInput("title", _("A title cannot be empty."))
    _set(session, by, "chat.session.renamed", title=new, titled_by=PERSON)


def pin_session(*, session: ChatSession, pinned: bool, by: User) -> None:
    _set(session, by, "chat.session.pinned" if pinned else "chat.session.unpinned", is_pinned=pinned)


def archive_session(*, session: ChatSession, archived: bool, by: User) -> None:
    _set(session, by, "chat.session.archived" if archived else "chat.session.unarchived", is_archived=archived)


def revoke_approval(*, session: ChatSession, tool: str, by: User) -> None:
    """Ask again before each call of a function that was approved for the chat; that it is revoked already is no error."""
    keep_approvals(session=session, tools=[name for name in session.approved_tools if name != tool], by=by)


def keep_approvals(*, session: ChatSession, tools: Sequence[str], by: User) -> None:
    """Revoke the approvals for the chat of all functions but these. Raises WrongState: only an answer to a call approves one."""
    if new := set(tools) - set(session.approved_tools):
        raise WrongState(_("Only the answer to a call approves it for the session: %(tools)s.") % {"tools": ", ".join(sorted(new))})
    left = [name for name in session.approved_tools if name in tools]
    if left != session.approved_tools:
        _set(session, by, "chat.session.approvals_revoked", approved_tools=left)


def bring_bases(*, session: ChatSession, bases: Collection[int], by: User) -> None:
    """Let the agent search these knowledge bases in this chat, too, and no others that were brought. Raises InvalidInput."""
    wanted = list(dict.fromkeys(bases))
    if len(wanted) > BASES:
        raise InvalidInput("bases", _("A chat can have %(most)d knowledge bases.") % {"most": BASES})
    found = [base.pk for base in readable(wanted, by.pk)]
    if missing := [pk for pk in wanted if pk not in found and pk not in session.bases]:
        raise InvalidInput("bases", _("There is no such knowledge base: %(pk)s.") % {"pk": missing[0]})
    if found != session.bases:
        _set(session, by, "chat.session.bases_brought", bases=found)


def delete_session(*, session: ChatSession, by: User) -> None:
    """Hide a chat from everything at once; its text is erased an hour later (reaper). Its open runs are stopped."""
    with transaction.atomic():
        lock(session.pk)
        for run in Run.objects.filter(session=session, status__in=Run.OPEN).select_related("session"):
            stop_run(run=run, by=by)
        _set(session, by, "chat.session.deleted", deleted_at=clock.now())
        emit("session.deleted", session=session)


def erase_run(*, run: Run, by: User) -> None:
    """Take a turn out of its chat, with all that was said in it, for good. A chat of which nothing is left is deleted."""
    stop_run(run=run, by=by)
    with transaction.atomic():
        session = lock(run.session_id)
        named = {"title": ""} if _is_title_made_of(session, run) else {}
        RunEvent.objects.filter(run=run).delete()
        ChatSummary.objects.filter(session=session).delete()  # which may tell of it
        Feedback.objects.filter(run=run).delete()
        RunFile.objects.filter(run=run).delete()
        revision = change(session, **named)
        take_out(run, revision)
        Run.objects.filter(pk=run.pk).update(**TEXTLESS, is_hidden=True, revision=revision)
        record("chat.run.erased", by=by, object_type="run", object_id=run.run_id)
        if not Run.objects.filter(session=session, is_hidden=False).exists():
            delete_session(session=session, by=by)


def restore_session(*, session: ChatSession, by: User) -> None:
    """Undo a delete."""
    _set(session, by, "chat.session.restored", deleted_at=None)


def fork_session(*, session: ChatSession, through_turn: int, by: User) -> ChatSession:
    """Open a copy of a chat with its turns up to and with ``through_turn``. The original stays and knows its forks.

    Raises AgentClosed, TooMuch, WrongState when one of these turns has not ended.
    """
    limits.check_creation(by)
    with transaction.atomic():
        check_agent_open(session.agent, by)
        turns = list(Run.objects.filter(session=session, is_hidden=False, turn__lte=through_turn).order_by("turn"))
        if any(run.status not in Run.ENDED for run in turns):
            raise WrongState(_("A chat can be forked at a turn that has ended."))
        known = {name: getattr(session, name) for name in ("given_history", "model", "effort")}
        known |= {"forked_from": session, "forked_at_turn": through_turn}
        fork = ChatSession.objects.create(user=by, agent=session.agent, title=title_of_fork(session.title), **known)
        copies = Run.objects.bulk_create([_copy(run, fork) for run in turns])
        for before, copy in pairwise(copies):
            copy.follows = before.pk
        Run.objects.bulk_update(copies[1:], ["follows"])
        copy_files(list(zip(turns, copies, strict=True)), origins=RunFile.Origin.values)
        original = lock(session.pk)
        change(original, fork_count=original.fork_count + 1)
        about = {"forked_from": session.session_id, "turn": through_turn}
        record("chat.session.forked", by=by, object_type="session", object_id=fork.session_id, **about)
        emit("session.created", session=fork, forked_from=session.session_id)
    return fork


def _is_title_made_of(session: ChatSession, run: Run) -> bool:
    """Whether the title says something of this turn: then it goes with it."""
    if session.titled_by == ChatSession.TitledBy.MODEL:  # which was shown the first turn that ended well
        earlier = Run.objects.filter(session=session, turn__lt=run.turn, is_hidden=False, status=Run.Status.COMPLETED)
        return not earlier.exists()
    return session.title == title_of(run.input)


def _copy(run: Run, session: ChatSession) -> Run:
    """A turn as it was said, in another session: it never runs there."""
    kept = {field.name: getattr(run, field.name) for field in Run._meta.concrete_fields if field.name not in FORGOTTEN}  # noqa: SLF001
    return Run(**kept, session=session)


def _title(text: str) -> str:
    title = " ".join(clean(text).split())
    if len(title) > TITLE_LIMIT:
        sentence = _("A title can have %(limit)s characters; this one has %(size)s.") % {"limit": TITLE_LIMIT, "size": len(title)}
        raise InvalidInput("title", sentence, longest=TITLE_LIMIT)
    return title


def _set(session: ChatSession, by: User, verb: str, **fields: Any) -> None:
    with transaction.atomic():
        change(lock(session.pk), **fields)
        for name, value in fields.items():
            setattr(session, name, value)
        record(verb, by=by, object_type="session", object_id=session.session_id)
