"""A team's webhooks and what they were sent, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, model_validator

from agentos.api.resources import RUN_ID, optional
from agentos.api.schemas import SESSION, Moment, example
from agentos.core.events import NAMES
from agentos.core.http.strict_json import whole
from agentos.core.security.guarded_http.addresses import URL_LIMIT
from agentos.webhooks.outbound.actions import NAME_LIMIT
from agentos.webhooks.outbound.models import TEST

HOOK_ID = "hook_5d8f2s6a9k1m4p7r0t3v"
MESSAGE_ID = "msg_4b7n1c5x8z2w6q9e3y0u"
HOOK_URL = f"/api/v1/agentos/webhooks/{HOOK_ID}/"
DELIVERY_URL = f"{HOOK_URL}deliveries/{MESSAGE_ID}/"
TEAM_LIMIT = 2**31 - 1

TEAM = {"id": 7, "name": "Support"}
CHOICE = {"name": "CRM", "url": "https://crm.example.com/agentos", "events": ["run.completed", "run.failed"]}
WEBHOOK = {
    "id": HOOK_ID,
    "team": TEAM,
    **CHOICE,
    "enabled": True,
    "off_because": None,
    "off_at": None,
    "last_status": "delivered",
    "succeeded_at": "2024-01-01T12:00:02Z",
    "old_secret_until": None,
    "created_at": "2024-01-01T11:00:00Z",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - an example
DELIVERY = {
    "id": MESSAGE_ID,
    "webhook_id": HOOK_ID,
    "event": "run.completed",
    "status": "delivered",
    "tries": 1,
    "next_try_at": None,
    "status_code": 200,
    "error": None,
    "created_at": "2024-01-01T12:00:02Z",
    "url": DELIVERY_URL,
}
ATTEMPT = {
    "at": "2024-01-01T12:00:02Z",
    "seconds": 0.08,
    "url": CHOICE["url"],
    "headers": {"webhook-id": MESSAGE_ID, "webhook-timestamp": "1704110402", "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9"},
    "status_code": 200,
    "answer": "thank you",
    "error": None,
}
MESSAGE = {
    "type": "run.completed",
    "timestamp": "2024-01-01T12:00:02.113Z",
    "data": {"run": {"id": RUN_ID, "status": "completed"}, "session": {"id": SESSION["id"]}, "agent": {"id": "assistant"}},
}

# The lengths are declared here and checked by the actions, which say what is wrong.
NAME = {"minLength": 1, "maxLength": NAME_LIMIT, "pattern": r"\S"}
RECEIVER = {"maxLength": URL_LIMIT, "format": "uri", "pattern": "^https?://"}
EVENTS = {"minItems": 1, "items": {"type": "string", "enum": list(NAMES)}}


class Team(BaseModel):
    model_config = example(TEAM)

    id: int
    name: str


class Webhook(BaseModel):
    """Where a team is told of what happens to chats with its agents. ``url`` is the receiver's.

    ``off_because`` says who or what switched it off. Until ``old_secret_until`` messages are signed with the secret before as well.
    """

    model_config = example(WEBHOOK)

    id: str
    team: Team
    name: str
    url: str
    events: list[str]
    enabled: bool
    off_because: str | None
    off_at: Moment | None
    last_status: Literal["pending", "delivered", "failed"] | None = Field(description="Of the last message.")
    succeeded_at: Moment | None
    old_secret_until: Moment | None
    created_at: Moment


class WebhookWithSecret(Webhook):
    """``secret`` proves to the receiver who sends. Keep it: it is not shown again."""

    model_config = example({**WEBHOOK, "secret": SECRET})

    secret: str


class WebhookList(BaseModel):
    """``teams`` are those that you may make webhooks for: you own or administer them."""

    model_config = example({"webhooks": [WEBHOOK], "teams": [TEAM]})

    webhooks: list[Webhook]
    teams: list[Team]


class WebhookIn(BaseModel):
    model_config = example(CHOICE)

    team: Annotated[int, Field(strict=True, ge=1, le=TEAM_LIMIT), BeforeValidator(whole)] | None = Field(
        None, description="The id of one of your teams. May be left out by whoever manages one alone."
    )
    name: Annotated[str, Field(json_schema_extra=NAME)]
    url: Annotated[str, Field(json_schema_extra=RECEIVER, description="Where messages are posted to. Never a private address.")]
    events: Annotated[list[str], Field(json_schema_extra=EVENTS)]


class WebhookChange(BaseModel):
    """At least one of these."""

    model_config = example({"events": ["run.failed"], "enabled": True}, minProperties=1)

    name: str = Field(default=None, json_schema_extra=optional(**NAME))  # type: ignore[assignment]  # only what was sent is read
    url: str = Field(default=None, json_schema_extra=optional(**RECEIVER))  # type: ignore[assignment]  # only what was sent is read
    events: list[str] = Field(default=None, json_schema_extra=optional(**EVENTS))  # type: ignore[arg-type]  # only what was sent is read
    enabled: StrictBool = Field(default=None, json_schema_extra=optional())  # type: ignore[assignment]  # only what was sent is read

    @model_validator(mode="after")
    def says_something(self) -> "WebhookChange":
        if not self.model_fields_set:
            raise ValueError("Name what shall change: name, url, events or enabled")
        return self


class EventKind(BaseModel):
    name: str
    description: str


class EventList(BaseModel):
    model_config = example({"events": [{"name": name, "description": what} for name, what in list(NAMES.items())[:2]]})

    events: list[EventKind]


class Delivery(BaseModel):
    """A message and how far it came. ``status_code`` and ``error`` are of its last attempt. A test's event is ``webhook.test``."""

    model_config = example(DELIVERY)

    id: str
    webhook_id: str
    event: Annotated[str, Field(json_schema_extra={"enum": [*NAMES, TEST]})]
    status: Literal["pending", "delivered", "failed"]
    tries: int
    next_try_at: Moment | None
    status_code: int | None
    error: str | None
    created_at: Moment
    url: str


class DeliveryList(BaseModel):
    """Newest first. ``next`` is the cursor of the page after this one, null on the last."""

    model_config = example({"deliveries": [DELIVERY], "next": "4711"})

    deliveries: list[Delivery]
    next: str | None


class Attempt(BaseModel):
    """One request and what came back: the beginning of the answer, or in ``error`` why there is none."""

    model_config = example(ATTEMPT)

    at: Moment
    seconds: float
    url: str
    headers: dict[str, str]
    status_code: int | None
    answer: str
    error: str | None


class FullDelivery(Delivery):
    """``message`` is what is posted, ``attempts`` the last 20, newest first."""

    model_config = example({**DELIVERY, "message": MESSAGE, "attempts": [ATTEMPT]})

    message: dict[str, Any]
    attempts: list[Attempt]
