"""What people do with bases and documents: each change with its audit record, in one transaction. Their errors are in ``errors.py``."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from agentos.access.models import Team
from agentos.access.queries import managed_teams
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.conf import app_settings
from agentos.core import clock
from agentos.core.people import is_operator
from agentos.core.ratelimit import limits
from agentos.core.security.guarded_http import Forbidden, check_url
from agentos.core.security.invisible import without
from agentos.core.text import clean, shorten
from agentos.files import uploading
from agentos.files.models import Blob
from agentos.files.names import checked_name
from agentos.knowledge import queries, wakeup
from agentos.knowledge.errors import BadKnowledge, NotYourBase, SameName, TooMany
from agentos.knowledge.models import DESCRIPTION_LENGTH, NAME_LENGTH, TITLE_LENGTH, URL_LENGTH, Base, Document

EVERYONE, PERSON = "everyone", "person"
BASES = 100  # of a person, of a team, of everyone
DOCUMENTS = 5_000  # of a base
ADDITIONS_A_MINUTE = 600  # times that one person adds something
TEXT_NAME = "text.md"
TEXT_LIMIT = 500_000  # characters of a text that somebody writes here


def create_base(*, name: str, description: str = "", scope: str = PERSON, team: Team | None = None, by: User) -> Base:
    """Make a base of oneself, of a team, or of everyone. Raises BadKnowledge, NotYourBase, SameName, TooMany, ``Problem`` 429."""
    limits.check("make-base", str(by.pk), limit=app_settings.CREATIONS_A_MINUTE, seconds=60)
    whose = _whose(by, scope, team)
    with transaction.atomic():
        checked = {"name": _checked_name(name), "description": _checked_description(description)}
        _check_name(checked["name"], whose)
        if Base.objects.filter(**whose).count() >= BASES:
            raise TooMany(_("There can be %(most)s knowledge bases. Delete one first.") % {"most": BASES})
        base = Base.objects.create(**checked, **whose)
        _record("created", base, by)
    return base


@transaction.atomic
def change_base(*, base: Base, name: str | None = None, description: str | None = None, by: User) -> Base:
    """Change what is given. Raises BadKnowledge, NotYourBase, SameName."""
    base = _lock_to_edit(base, by)
    if name is not None and (checked := _checked_name(name)) != base.name:
        _check_name(checked, {"owner": base.owner, "team": base.team})
        base.name = checked
    if description is not None:
        base.description = _checked_description(description)
    base.updated_at = clock.now()
    base.save(update_fields=["name", "description", "updated_at"])
    _record("changed", base, by)
    return base


@transaction.atomic
def delete_base(*, base: Base, by: User) -> None:
    """With all its documents. Agents that have it go on without. Raises NotYourBase."""
    found = _lock_to_edit(base, by)
    _record("deleted", found, by)
    found.delete()


def check_may_add(*, base: Base, by: User) -> None:
    """Before a file is looked at. Raises NotYourBase."""
    if not queries.may_edit(by, base):
        raise NotYourBase(_("You may read this knowledge base, not change it."))


def add_files(*, base: Base, files: Sequence[tuple[str, Blob]], by: User) -> list[Document]:
    """Add files of one's own that have arrived, each with its name: all of them, or none. They are read afterwards.

    Raises NotYourBase, TooMany, ``Problem`` 429.
    """
    limits.check("add-knowledge", str(by.pk), limit=ADDITIONS_A_MINUTE, seconds=60)
    with transaction.atomic():
        base = _lock_to_add(base, by, len(files))
        made = [
            Document.objects.create(base=base, title=checked_name(name), source=Document.Source.FILE, blob=blob, by=by)
            for name, blob in files
            if blob.owner_id == by.pk
        ]
        _added(base, made, by)
    return made


def add_text(*, base: Base, title: str, text: str, by: User) -> Document:
    """Add what somebody writes. Outside of transactions. Raises BadKnowledge, NotYourBase, TooMany, FileError, ``Problem`` 429."""
    limits.check("add-knowledge", str(by.pk), limit=ADDITIONS_A_MINUTE, seconds=60)
    said = clean(text).strip()
    if not said:
        raise BadKnowledge("text", _("Write or paste the text."))
    if len(said) > TEXT_LIMIT:
        sizes = {"limit": f"{TEXT_LIMIT:,}", "size": f"{len(said):,}"}
        raise BadKnowledge("text", _("A text can have %(limit)s characters; this one has %(size)s.") % sizes)
    if not queries.may_edit(by, base):
        raise NotYourBase(_("You may read this knowledge base, not change it."))
    named = " ".join(without(clean(title)).split())[:TITLE_LENGTH] or shorten(said.lstrip("# "), 80)
    blob = stored(by=by, name=TEXT_NAME, data=said.encode())
    with transaction.atomic():
        base = _lock_to_add(base, by, 1)
        document = Document.objects.create(base=base, title=named, source=Document.Source.TEXT, blob=blob, by=by)
        _added(base, [document], by)
    return document


def stored(*, by: User, name: str, data: bytes) -> Blob:
    """Keep a file that has come as a whole. Slow: outside of transactions. Raises FileError, ``Problem`` 429."""
    upload = uploading.begin(by=by, name=name, size=len(data))
    for number, first in enumerate(range(0, len(data), uploading.SLICE)):
        uploading.put_slice(upload=upload, number=number, data=data[first : first + uploading.SLICE])
    return uploading.finish(upload=upload)


def add_page(*, base: Base, url: str, by: User) -> Document:
    """Add a page of the web, which is fetched afterwards. Raises BadKnowledge, NotYourBase, TooMany, ``Problem`` 429."""
    limits.check("add-knowledge", str(by.pk), limit=ADDITIONS_A_MINUTE, seconds=60)
    address = url.strip()
    address = address if "://" in address or not address else f"https://{address}"
    try:
        check_url(address)
    except Forbidden as error:
        raise BadKnowledge("url", str(error)) from None
    if len(address) > URL_LENGTH:
        raise BadKnowledge("url", _("This address is too long."))
    with transaction.atomic():
        base = _lock_to_add(base, by, 1)
        title = f"{urlsplit(address).hostname}{urlsplit(address).path}".rstrip("/")[:TITLE_LENGTH]
        document = Document.objects.create(base=base, title=title, source=Document.Source.PAGE, url=address, by=by)
        _added(base, [document], by)
    return document


@transaction.atomic
def try_again(*, document: Document, by: User) -> bool:
    """Read a document once more: one that failed, or a page of the web, which is fetched anew. False while it is being read."""
    _lock_to_edit(document.base, by)
    settled = Document.objects.filter(pk=document.pk).exclude(status__in=Document.OPEN)
    again = {"status": Document.Status.QUEUED, "failure": "", "done": 0, "total": 0, "lease_until": None, "updated_at": clock.now()}
    if not settled.update(**again):
        return False
    record("knowledge.document.again", by=by, object_type="document", object_id=str(document.pk), base=document.base_id)
    transaction.on_commit(wakeup.wake)
    return True


@transaction.atomic
def try_all_again(*, base: Base, by: User) -> int:
    """The same for all that failed; return how many."""
    base = _lock_to_edit(base, by)
    failed = Document.objects.filter(base=base, status=Document.Status.FAILED)
    count = failed.update(status=Document.Status.QUEUED, failure="", done=0, total=0, lease_until=None, updated_at=clock.now())
    if count:
        record("knowledge.documents.again", by=by, object_type="base", object_id=str(base.pk), count=count)
        transaction.on_commit(wakeup.wake)
    return count


@transaction.atomic
def delete_document(*, document: Document, by: User) -> None:
    """With its passages: no search finds them from now on. Raises NotYourBase."""
    base = _lock_to_edit(document.base, by)
    record("knowledge.document.deleted", by=by, object_type="document", object_id=str(document.pk), base=base.pk, title=document.title)
    Document.objects.filter(pk=document.pk).delete()
    Base.objects.filter(pk=base.pk).update(version=F("version") + 1, updated_at=clock.now())


def _whose(by: User, scope: str, team: Team | None) -> dict[str, Any]:
    """Raises NotYourBase."""
    if team is not None:
        if not (is_operator(by) or managed_teams(by).filter(pk=team.pk).exists()):
            raise NotYourBase(_("Only owners and admins of a team make knowledge bases for it."))
        return {"owner": None, "team": team}
    if scope == EVERYONE:
        if not is_operator(by):
            raise NotYourBase(_("Only operators make knowledge bases for everyone."))
        return {"owner": None, "team": None}
    return {"owner": by, "team": None}


def _check_name(name: str, whose: dict[str, Any]) -> None:
    if Base.objects.filter(name=name, **whose).exists():
        raise SameName(name)


def _checked_name(name: str) -> str:
    said = " ".join(without(clean(name)).split())
    if not said:
        raise BadKnowledge("name", _("Give it a name."))
    if len(said) > NAME_LENGTH:
        raise BadKnowledge("name", _("A name has at most %(limit)s characters.") % {"limit": NAME_LENGTH})
    return said


def _checked_description(text: str) -> str:
    said = " ".join(without(clean(text)).split())
    if len(said) > DESCRIPTION_LENGTH:
        raise BadKnowledge("description", _("At most %(limit)s characters.") % {"limit": DESCRIPTION_LENGTH})
    return said


def _lock_to_edit(base: Base, by: User) -> Base:
    """Raises NotYourBase."""
    check_may_add(base=base, by=by)
    return Base.objects.select_for_update(of=("self",)).get(pk=base.pk)


def _lock_to_add(base: Base, by: User, count: int) -> Base:
    locked = _lock_to_edit(base, by)
    if Document.objects.filter(base=locked).count() + count > DOCUMENTS:
        raise TooMany(_("A knowledge base has at most %(most)s documents. Delete some, or make another base.") % {"most": f"{DOCUMENTS:,}"})
    return locked


def _added(base: Base, made: Sequence[Document], by: User) -> None:
    Base.objects.filter(pk=base.pk).update(updated_at=clock.now())
    for document in made:
        record("knowledge.document.added", by=by, object_type="document", object_id=str(document.pk), base=base.pk, title=document.title)
    transaction.on_commit(wakeup.wake)


def _record(verb: str, base: Base, by: User) -> None:
    record(f"knowledge.base.{verb}", by=by, object_type="base", object_id=str(base.pk), name=base.name, team=base.team_id)
