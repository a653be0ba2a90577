"""What operators see of the inbox. To anybody else there is nothing.

What an endpoint receives, and what the agent answers to it, is nobody's private chat: its sessions belong to a service
identity, and the inbox is the one place where people read them.
"""

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat.live.turns import TurnView, turn_view
from agentos.chat.queries import parts_so_far
from agentos.core.http.paging import Page, page_of
from agentos.core.people import is_operator
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent

EVENTS_A_PAGE = 50
HEAVY = ("body", "data", "headers")  # columns that no list shows


def endpoints_for(user: User) -> QuerySet[WebhookEndpoint]:
    """Every endpoint, with how many events it keeps (``came``) and when the last one came (``came_last``)."""
    if not is_operator(user):
        return WebhookEndpoint.objects.none()
    of_it = WebhookEvent.objects.filter(endpoint=OuterRef("pk")).order_by().values("endpoint")
    return WebhookEndpoint.objects.select_related("agent", "identity").annotate(
        came=Subquery(of_it.annotate(number=Count("pk")).values("number")),
        came_last=Subquery(of_it.annotate(last=Max("received_at")).values("last")),
    )


def endpoint_for(user: User, endpoint_id: str) -> WebhookEndpoint | None:
    return endpoints_for(user).filter(endpoint_id=endpoint_id).first()


def events_for(user: User) -> QuerySet[WebhookEvent]:
    if not is_operator(user):
        return WebhookEvent.objects.none()
    return WebhookEvent.objects.select_related("endpoint", "run", "session", "replay_of")


def event_for(user: User, pk: int) -> WebhookEvent | None:
    return (
        events_for(user)
        .select_related("endpoint__identity", "endpoint__agent", "run__session__agent", "run__session__user")
        .filter(pk=pk)
        .first()
    )


def turn_of(event: WebhookEvent) -> TurnView | None:
    """The run that the event started, as a chat would show it."""
    run = event.run
    if run is None:
        return None
    parts = parts_so_far(run)[0] if run.is_open else run.parts
    return turn_view(run, parts, agent_name=run.session.agent.name, is_last=False, may_write=False)


def inbox(user: User, *, endpoint_id: str = "", status: str = "", event: str = "", page: int = 1) -> Page[WebhookEvent]:
    """A page of events, the newest first. ``endpoint_id`` "none": those that came to the open address."""
    events = events_for(user).defer(*HEAVY, *(f"run__{name}" for name in ("parts", "answer", "messages", "agno_output", "input")))
    if endpoint_id:
        events = events.filter(endpoint__isnull=True) if endpoint_id == "none" else events.filter(endpoint__endpoint_id=endpoint_id)
    if status:
        events = events.filter(status=status)
    if event:
        events = events.filter(event__icontains=event)
    return page_of(events, page, EVENTS_A_PAGE)


def is_usable(endpoint: WebhookEndpoint) -> bool:
    """Whether the service identity may use the agent now: otherwise every message is refused."""
    return bool(DjangoAgent.objects.usable_by(endpoint.identity).filter(pk=endpoint.agent_id).exists())


def teams() -> QuerySet[Team]:
    return Team.objects.all()


def teams_of(endpoint: WebhookEndpoint) -> QuerySet[Team]:
    return Team.objects.filter(members__user=endpoint.identity_id)


def agents() -> QuerySet[DjangoAgent]:
    """What an endpoint can be for."""
    agents: QuerySet[DjangoAgent] = DjangoAgent.objects.filter(is_active=True)
    return agents
