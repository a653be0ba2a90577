"""Whose endpoints somebody may see and manage: those of the teams that they own or administer."""

from django.db.models import OuterRef, QuerySet, Subquery

from agentos.access.models import Team
from agentos.access.queries import MANAGERS, managed_teams
from agentos.access.users import User
from agentos.core.http.paging import Page, page_of
from agentos.webhooks.inbound.models import SERVICE_DOMAIN
from agentos.webhooks.outbound.models import Attempt, Delivery, Endpoint

DELIVERIES_A_PAGE = 25
ATTEMPTS_SHOWN = 20


def may_manage(user: User, team_pk: int) -> bool:
    return managed_teams(user).filter(pk=team_pk).exists()


def managers_of(endpoint: Endpoint) -> QuerySet[User]:
    """Return the people who may manage this endpoint, service identities left out: no mail reaches those."""
    people = User.objects.filter(is_active=True, memberships__team=endpoint.team_id, memberships__role__in=MANAGERS)
    return people.exclude(email__endswith=f"@{SERVICE_DOMAIN}")


def team_for(user: User, team_pk: int) -> Team | None:
    """Return a team that this user is in, in whatever role; of others one does not even hear that they exist."""
    return Team.objects.filter(members__user=user, pk=team_pk).first()


def endpoints_for(user: User) -> QuerySet[Endpoint]:
    """Return the endpoints that this user manages, each with the state of its last delivery as ``last_status``."""
    return _listed().filter(team__in=managed_teams(user).order_by().values("pk"))


def switched_off_for(user: User) -> int:
    """Return how many endpoints this user manages that the system, not a person, has switched off."""
    return Endpoint.objects.filter(team__in=managed_teams(user).order_by().values("pk"), is_enabled=False, off_by_person=False).count()


def endpoint_for(user: User, hook_id: str) -> Endpoint | None:
    """Return an endpoint of a team that this user is in; whether they may manage it is another question."""
    return _listed().filter(hook_id=hook_id, team__members__user=user).first()


def deliveries_of(endpoint: Endpoint, page: int) -> Page[Delivery]:
    """Return a numbered page of the log, newest first, each with what came of its last attempt."""
    return page_of(_told(endpoint), page, DELIVERIES_A_PAGE)


def deliveries_before(endpoint: Endpoint, cursor: str, limit: int) -> tuple[list[Delivery], str | None]:
    """Return a page of the log after ``cursor``, newest first, and the cursor of the page after it, None on the last."""
    rows = _told(endpoint)
    found = list((rows.filter(pk__lt=int(cursor)) if cursor else rows)[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None


def delivery_of(endpoint: Endpoint, message_id: str) -> Delivery | None:
    return Delivery.objects.filter(endpoint=endpoint, message_id=message_id).first()


def attempts_of(delivery: Delivery) -> list[Attempt]:
    return list(delivery.attempts.all()[:ATTEMPTS_SHOWN])


def _listed() -> QuerySet[Endpoint]:
    last = Delivery.objects.filter(endpoint=OuterRef("pk")).order_by("-pk").values("status")[:1]
    return Endpoint.objects.select_related("team").annotate(last_status=Subquery(last))


def _told(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Return the log, each with what came of its last attempt as ``last_code`` and ``last_error``."""
    last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-pk")
    rows = Delivery.objects.filter(endpoint=endpoint).defer("body")
    return rows.annotate(last_code=Subquery(last.values("status_code")[:1]), last_error=Subquery(last.values("error")[:1]))
