"""Versions of a turn: an edit says the message differently, a retry answers it again. One is shown, with all that came after it."""

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.audit.actions import record
from agentos.chat.errors import NoSuchVersion, WrongState
from agentos.chat.live.revisions import change, lock
from agentos.chat.models import ChatSession, Run


def choose_version(*, run: Run, by: User, edition: int | None = None, version: int | None = None) -> Run:
    """Show another version of the turn of ``run``, and what came after it: the ``edition`` of its message, as it was shown last, or the
    ``version`` of its answer; without both, ``run`` itself. Returns the run that is shown now.

    Raises WrongState while an answer of the chat is open, and NoSuchVersion.
    """
    with transaction.atomic():
        session = lock(run.session_id)
        check_nothing_open(session)
        run = Run.objects.get(pk=run.pk)
        found = versions_of(run).order_by("-revision", "-pk")
        if edition is not None:
            found = found.filter(edition=edition)
        elif version is not None:
            found = found.filter(edition=run.edition, version=version)
        else:
            found = found.filter(pk=run.pk)
        chosen = found.first()
        if chosen is None:
            raise NoSuchVersion
        if chosen.is_hidden:
            show_version(session, chosen)
            record("chat.version.chosen", by=by, object_type="run", object_id=chosen.run_id)
            chosen.refresh_from_db()
    return chosen


def check_nothing_open(session: ChatSession) -> None:
    if Run.objects.filter(session=session, status__in=Run.OPEN).exists():
        raise WrongState(_("An answer is being written in this chat. Wait until it has ended, or stop it."))


def versions_of(run: Run) -> QuerySet[Run]:
    """All versions of a turn, this one too; not what was withdrawn or erased."""
    return Run.objects.filter(session=run.session_id, turn=run.turn, follows=run.follows, version__gt=0)


def add_edition(run: Run) -> dict[str, int | None]:
    """Make room for another message in the place of this one's; return the place of its run."""
    count = versions_of(run).order_by("-edition").values_list("edition", flat=True)[0] + 1
    versions_of(run).update(editions=count)
    return {"turn": run.turn, "follows": run.follows, "edition": count, "editions": count}


def add_version(run: Run) -> dict[str, int | None]:
    """Make room for another answer to the same message; return the place of its run."""
    answers = versions_of(run).filter(edition=run.edition)
    count = answers.count() + 1
    answers.update(versions=count)
    kept = {"turn": run.turn, "follows": run.follows, "edition": run.edition, "editions": run.editions}
    return {**kept, "version": count, "versions": count}


def hide_from(session: ChatSession, turn: int, revision: int) -> None:
    """Take what is shown from this turn on out of the chat's transcript, for another version."""
    Run.objects.filter(session=session, is_hidden=False, turn__gte=turn).update(is_hidden=True, revision=revision)


def show_version(session: ChatSession, run: Run) -> None:
    """Show a version of a turn in a locked session, what it follows, and after it what was shown with it last."""
    revision = change(session)
    before = _hidden_before(run)
    later = Run.objects.filter(session=session, turn__gt=run.turn).values_list("pk", "follows", "version", "revision")
    hide_from(session, min([run.turn, *before.values()]), revision)
    Run.objects.filter(pk__in=[*before, *_path(run.pk, list(later))]).update(is_hidden=False, revision=revision)


def _hidden_before(run: Run) -> dict[int, int]:
    """The runs that this one follows and that are not shown either, by their keys: their turns. It stands in a version of an earlier turn
    then."""
    rows = Run.objects.filter(session=run.session_id, turn__lt=run.turn, is_hidden=True).values_list("pk", "follows", "version", "turn")
    hidden = {pk: (follows, version, turn) for pk, follows, version, turn in rows}
    before: dict[int, int] = {}
    key = run.follows
    while key is not None and key in hidden:
        follows, version, turn = hidden.pop(key)
        if version:
            before[key] = turn
        key = follows
    return before


def _path(start: int, later: list[tuple[int, int | None, int, int]]) -> list[int]:
    """The keys of the runs that are shown from ``start`` on: of several versions the one that was shown last."""
    after: dict[int | None, list[tuple[bool, int, int]]] = {}
    for pk, follows, version, revision in later:
        after.setdefault(follows, []).append((version > 0, revision, pk))
    path, key = [start], start
    while key in after:
        is_shown, _, key = max(after.pop(key))
        if is_shown:
            path.append(key)
    return path


def take_out(run: Run, revision: int) -> None:
    """Number the versions of a turn again, without this one that was withdrawn or erased. ``revision``: of this change."""
    others = versions_of(run).exclude(pk=run.pk)
    same = others.filter(edition=run.edition)
    if same.exists():
        same.filter(version__gt=run.version).update(version=F("version") - 1)
        same.update(versions=F("versions") - 1)
    else:
        others.filter(edition__gt=run.edition).update(edition=F("edition") - 1)
        others.update(editions=F("editions") - 1)
    others.filter(is_hidden=False).update(revision=revision)
    Run.objects.filter(pk=run.pk).update(version=0)
