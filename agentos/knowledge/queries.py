"""Whose bases somebody may read and change, and which an agent has."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Q, QuerySet

from agentos.access.models import Team
from agentos.access.queries import managed_teams, teams_of
from agentos.access.users import User
from agentos.core.people import is_operator
from agentos.knowledge.models import Base, Document, Page


@dataclass(frozen=True, slots=True)
class ChosenBase:
    """A base of an agent, or of a chat, as plain data."""

    pk: int
    name: str
    description: str


def bases_for(user: User) -> QuerySet[Base]:
    """Return the bases that this user may read: their own, those of their teams, and those of everyone. Nobody else reads one's own."""
    if not user.is_active:
        return Base.objects.none()
    own = Q(owner=user) | Q(team__in=teams_of(user).order_by().values("pk")) | Q(owner=None, team=None)
    readable = own | Q(team__isnull=False) if is_operator(user) else own
    return Base.objects.filter(readable).select_related("team", "owner")


def bases_to_edit(user: User) -> QuerySet[Base]:
    """Return those that this user may change: their own; of teams that they own or administer; operators those of everyone and of teams."""
    found = bases_for(user)
    if is_operator(user):
        return found
    return found.filter(Q(owner=user) | Q(team__in=managed_teams(user).order_by().values("pk")))


def base_for(user: User, pk: int) -> Base | None:
    return bases_for(user).filter(pk=pk).first()


def may_edit(user: User, base: Base) -> bool:
    return bases_to_edit(user).filter(pk=base.pk).exists()


def teams_to_make_for(user: User) -> QuerySet[Team]:
    return Team.objects.all() if is_operator(user) else managed_teams(user)


def listed_bases(user: User, text: str = "") -> QuerySet[Base]:
    """Return those that this user may read with how many documents each has: ``documents_in``, of them ``open_in`` and ``failed_in``."""
    found = bases_for(user)
    for word in text.split():
        found = found.filter(Q(name__icontains=word) | Q(description__icontains=word))
    return found.annotate(
        documents_in=Count("documents"),
        open_in=Count("documents", filter=Q(documents__status__in=Document.OPEN)),
        failed_in=Count("documents", filter=Q(documents__status=Document.Status.FAILED)),
    ).order_by("name", "pk")


def documents_of(base: Base, text: str = "", status: str = "") -> QuerySet[Document]:
    found = Document.objects.filter(base=base)
    for word in text.split():
        found = found.filter(title__icontains=word)
    if status == "open":
        return found.filter(status__in=Document.OPEN)
    return found.filter(status=status) if status in Document.Status.values else found


def document_for(user: User, pk: int) -> Document | None:
    """Return a document of a base that this user may read now."""
    return Document.objects.select_related("base__team", "base__owner", "by").filter(pk=pk, base__in=bases_for(user)).first()


def page_of(document: Document, number: int) -> Page | None:
    return Page.objects.filter(document=document, number=number).first()


def offered_to(team_pk: int | None) -> list[Base]:
    """Return what an agent of this team may be given: the bases of everyone and of its team. Of one name, the team's."""
    found = (
        Base.objects.filter(owner=None).filter(Q(team=None) | Q(team=team_pk)) if team_pk else Base.objects.filter(owner=None, team=None)
    )
    return list(_by_name(found.order_by("name", "pk")).values())


def chosen(names: Collection[str], team_pk: int | None) -> list[ChosenBase]:
    """Return those of these bases that an agent of this team has, in their order. One query; none without names."""
    if not names:
        return []
    whose = Q(team=None) | Q(team=team_pk) if team_pk else Q(team=None)
    found = _by_name(Base.objects.filter(whose, owner=None, name__in=names))
    return [ChosenBase(found[name].pk, name, found[name].description) for name in names if name in found]


def missing(names: Collection[str], team_pk: int | None) -> list[str]:
    """Return those of these names of which an agent of this team can have no base."""
    there = {base.name for base in chosen(names, team_pk)}
    return [name for name in names if name not in there]


def readable(pks: Iterable[int], user_pk: int) -> list[ChosenBase]:
    """Return those of these bases that this user may read now, in their order."""
    user = User.objects.filter(pk=user_pk).first()
    wanted = list(dict.fromkeys(pks))
    if user is None or not wanted:
        return []
    found = bases_for(user).in_bulk(wanted)
    return [ChosenBase(pk, found[pk].name, found[pk].description) for pk in wanted if pk in found]


def _by_name(bases: Iterable[Base]) -> dict[str, Base]:
    by_name: dict[str, Base] = {}
    for base in bases:
        if base.name not in by_name or base.team_id is not None:
            by_name[base.name] = base
    return by_name


def newest_documents(bases: Iterable[ChosenBase]) -> dict[str, int]:
    """Return, by the name of each base, the key of its newest document; 0 for an empty one."""
    names = {base.pk: base.name for base in bases}
    found = Document.objects.filter(base__in=names).order_by().values_list("base").annotate(newest=Max("pk"))
    return {**dict.fromkeys(names.values(), 0), **{names[pk]: newest for pk, newest in found}}


def lacking_vectors(model: str) -> int:
    """Return how many documents are there and have no vectors of this model, or not all."""
    return Document.objects.filter(status=Document.Status.READY).exclude(embedding=model).count()
