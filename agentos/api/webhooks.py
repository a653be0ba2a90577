"""A team's webhooks: find, make, change, delete, rotate, test, and look at what they were sent."""

from typing import Any

from django.http import HttpResponse
from pydantic import BaseModel

from agentos.access.models import Team
from agentos.access.queries import managed_teams
from agentos.access.users import User
from agentos.api import webhook_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ, missing
from agentos.api.parameters import Cursor, HookId, IdempotencyKey, Limit, MessageId
from agentos.api.scopes import ScopedRouter
from agentos.api.webhook_rendering import delivery_row, full_delivery, team_json, webhook_json, webhook_url, webhook_with
from agentos.chat.idempotency import once
from agentos.core.events import NAMES
from agentos.core.http.errors import Problem
from agentos.webhooks.outbound import actions, queries
from agentos.webhooks.outbound.models import Delivery, Endpoint

NOT_YOURS = "Owners and admins of the team manage its webhooks."

router = ScopedRouter(tags=["Webhooks"])


@router.get(
    "/webhooks/", url_name="webhooks", operation_id="webhooks", response={200: nouns.WebhookList, **READ}, summary="Webhooks of my teams"
)
def webhooks(request: ApiRequest) -> nouns.WebhookList:
    """Of the teams that you own or administer, all of them: a team can have 20."""
    return nouns.WebhookList(
        webhooks=[webhook_json(endpoint) for endpoint in queries.endpoints_for(request.auth)],
        teams=[team_json(team) for team in managed_teams(request.auth)],
    )


@router.post(
    "/webhooks/",
    url_name="webhooks",
    operation_id="create_webhook",
    response={201: nouns.WebhookWithSecret, **CHANGE},
    summary="Make a webhook",
)
def create_webhook(request: ApiRequest, payload: nouns.WebhookIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """The answer shows its secret, this once. Messages are signed with it as the Standard Webhooks specification has it: the packages
    of that name verify them.
    """
    team = team_of(request.auth, payload.team)
    fields = payload.model_dump(include={"name", "url", "events"})

    def create() -> str:
        return actions.create_endpoint(team=team, by=request.auth, **fields).hook_id

    return with_secret(
        request.auth, once(create, kind=str, by=request.auth, key=idempotency_key, what=["webhooks", "create", team.pk, fields]), status=201
    )


# Before the address of one webhook, which would take it for an id.
@router.get(
    "/webhooks/events/",
    url_name="webhook_events",
    operation_id="webhook_events",
    response={200: nouns.EventList, **READ},
    summary="Events to choose from",
)
def webhook_events(request: ApiRequest) -> nouns.EventList:
    """What a webhook can be told of."""
    return nouns.EventList(events=[nouns.EventKind(name=name, description=what) for name, what in NAMES.items()])


@router.get(
    "/webhooks/{hook_id}/", url_name="webhook", operation_id="webhook", response={200: nouns.Webhook, **FIND}, summary="One webhook"
)
def webhook(request: ApiRequest, hook_id: HookId) -> nouns.Webhook:
    return webhook_json(managed(request.auth, hook_id))


@router.patch(
    "/webhooks/{hook_id}/",
    url_name="webhook",
    operation_id="update_webhook",
    response={200: nouns.Webhook, **CHANGE},
    summary="Change a webhook, switch it on or off",
)
def update_webhook(request: ApiRequest, hook_id: HookId, payload: nouns.WebhookChange) -> nouns.Webhook:
    """All that is named is changed, or nothing. What waits is sent to the new URL. What happens while it is off is not sent later."""
    changes = payload.model_dump(exclude_unset=True)
    actions.update_endpoint(endpoint=managed(request.auth, hook_id), by=request.auth, **changes)
    return webhook_json(managed(request.auth, hook_id))


@router.delete(
    "/webhooks/{hook_id}/", url_name="webhook", operation_id="delete_webhook", response={204: None, **FIND}, summary="Delete a webhook"
)
def delete_webhook(request: ApiRequest, hook_id: HookId) -> HttpResponse:
    """With its log. Nothing more is sent."""
    actions.delete_endpoint(endpoint=managed(request.auth, hook_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.post(
    "/webhooks/{hook_id}/rotate-secret/",
    url_name="rotate_webhook_secret",
    operation_id="rotate_webhook_secret",
    response={200: nouns.WebhookWithSecret, **CHANGE},
    summary="Give a webhook a new secret",
)
def rotate_webhook_secret(request: ApiRequest, hook_id: HookId, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """The answer shows it, this once. For a day messages carry a signature of each, so that the receiver can change over in between.

    Under an `Idempotency-Key` a second try shows the same secret. Without one it makes another, and the receiver's is worth nothing.
    """
    endpoint = managed(request.auth, hook_id)

    def rotate() -> str:
        actions.rotate_secret(endpoint=endpoint, by=request.auth)
        return endpoint.hook_id

    return with_secret(
        request.auth, once(rotate, kind=str, by=request.auth, key=idempotency_key, what=["webhooks", "rotate", hook_id]), status=200
    )


@router.post(
    "/webhooks/{hook_id}/test/",
    url_name="try_webhook",
    operation_id="try_webhook",
    response={201: nouns.FullDelivery, **CHANGE},
    summary="Send a test",
)
def try_webhook(request: ApiRequest, hook_id: HookId, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """A message that says that it is a test, once. Look at it again in a moment to see what came back."""
    endpoint = managed(request.auth, hook_id)

    def send() -> str:
        return actions.send_test(endpoint=endpoint, by=request.auth).message_id

    sent = once(send, kind=str, by=request.auth, key=idempotency_key, what=["webhooks", "test", hook_id])
    body = shown(endpoint, delivery_of(endpoint, sent))
    return answer(body, status=201, Location=body.url)


@router.get(
    "/webhooks/{hook_id}/deliveries/",
    url_name="deliveries",
    operation_id="deliveries",
    response={200: nouns.DeliveryList, **FIND},
    summary="What a webhook was sent",
)
def deliveries(request: ApiRequest, hook_id: HookId, cursor: Cursor = "", limit: Limit = 50) -> nouns.DeliveryList:
    """Newest first. What is over is kept for 30 days."""
    endpoint = managed(request.auth, hook_id)
    found, following = queries.deliveries_before(endpoint, cursor, limit)
    return nouns.DeliveryList(deliveries=[delivery_row(delivery, endpoint) for delivery in found], next=following)


@router.get(
    "/webhooks/{hook_id}/deliveries/{message_id}/",
    url_name="delivery",
    operation_id="delivery",
    response={200: nouns.FullDelivery, **FIND},
    summary="One message with its attempts",
)
def delivery(request: ApiRequest, hook_id: HookId, message_id: MessageId) -> nouns.FullDelivery:
    endpoint = managed(request.auth, hook_id)
    return shown(endpoint, delivery_of(endpoint, message_id))


@router.post(
    "/webhooks/{hook_id}/deliveries/{message_id}/send-again/",
    url_name="send_delivery_again",
    operation_id="send_delivery_again",
    response={200: nouns.FullDelivery, **CHANGE},
    summary="Send a message again",
)
def send_delivery_again(
    request: ApiRequest, hook_id: HookId, message_id: MessageId, idempotency_key: IdempotencyKey = ""
) -> nouns.FullDelivery:
    """Now, under the same id, and with a new schedule of tries."""
    endpoint = managed(request.auth, hook_id)
    sent = delivery_of(endpoint, message_id)

    def send() -> str:
        actions.send_again(delivery=sent, by=request.auth)
        return message_id

    once(send, kind=str, by=request.auth, key=idempotency_key, what=["webhooks", "again", hook_id, message_id])
    return shown(endpoint, delivery_of(endpoint, message_id))


def managed(user: User, hook_id: str) -> Endpoint:
    """Raises ``Problem``: 404 for what is of others, 403 for a member without the role."""
    found = queries.endpoint_for(user, hook_id)
    if found is None:
        raise Problem(404, "There is no such webhook.", code="webhook_not_found")
    if not queries.may_manage(user, found.team_id):
        raise Problem(403, NOT_YOURS)
    return found


def team_of(user: User, team_pk: int | None) -> Team:
    """The team that is named, or the only one that this user manages. Raises ``Problem``: 403, 404, 422."""
    teams = list(managed_teams(user))
    if team_pk is None and len(teams) > 1:
        raise missing(["team"])
    chosen = [team for team in teams if team_pk in {None, team.pk}]
    if chosen:
        return chosen[0]
    if team_pk is not None and queries.team_for(user, team_pk) is None:
        raise Problem(404, "There is no such team.", code="team_not_found")
    raise Problem(403, NOT_YOURS)


def delivery_of(endpoint: Endpoint, message_id: str) -> Delivery:
    """Raises ``Problem`` 404."""
    if found := queries.delivery_of(endpoint, message_id):
        return found
    raise Problem(404, "There is no such message.", code="delivery_not_found")


def shown(endpoint: Endpoint, sent: Delivery) -> nouns.FullDelivery:
    return full_delivery(sent, endpoint, queries.attempts_of(sent))


def with_secret(user: User, hook_id: str, *, status: int) -> HttpResponse:
    endpoint = managed(user, hook_id)
    secret = actions.reveal_secret(endpoint=endpoint, by=user)
    headers = {"Location": webhook_url(endpoint)} if status == 201 else {}  # noqa: PLR2004 - of HTTP
    return answer(webhook_with(secret, endpoint), status=status, **{"Cache-Control": "no-store", **headers})


def answer(body: BaseModel, *, status: int, **headers: Any) -> HttpResponse:
    return HttpResponse(body.model_dump_json(), status=status, content_type="application/json; charset=utf-8", headers=headers)
