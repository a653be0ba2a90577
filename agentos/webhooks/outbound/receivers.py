"""Stores deliveries in the transaction of the change that they report: either both are on disk, or neither."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from agentos.access.models import Membership
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from agentos.core.events import happened
from agentos.webhooks.outbound import payloads, wakeup
from agentos.webhooks.outbound.models import Delivery, Endpoint
from agentos.webhooks.outbound.subscriptions import subscribed


@receiver(happened, dispatch_uid="webhooks_outgoing")
def hear(
    *, name: str, session: ChatSession | None, run: Run | None, agent: DjangoAgent | None, about: dict[str, Any], **kwargs: Any
) -> None:
    if name in subscribed.events():
        with transaction.atomic():  # a savepoint: what breaks here is undone here
            if found := session.agent if session else agent:
                store(name, found, session, run, about)


def store(name: str, agent: DjangoAgent, session: ChatSession | None, run: Run | None, about: dict[str, Any]) -> None:
    """Store a delivery for each endpoint of the agent's team that wants this event."""
    if agent.owner_id is not None:  # what a member has for themselves is no business of the team
        return
    endpoints = Endpoint.objects.filter(is_enabled=True, team__agents=agent)
    wanted = [endpoint for endpoint in endpoints if name in endpoint.events]
    if not wanted:
        return
    user_pk = session.user_id if session else about.get("by")
    is_member = Membership.objects.filter(team=wanted[0].team_id, user=user_pk).exists()
    data = payloads.about(agent, session, user_pk if is_member else None) | payloads.about_more(name, about)
    if run is not None:
        data |= payloads.about_run(run, name)
    body = payloads.message(name, clock.now(), data)
    Delivery.objects.bulk_create([Delivery(endpoint=endpoint, event=name, body=body, due_at=clock.now()) for endpoint in wanted])
    wakeup.after_commit()
