"""What a team does with its endpoints. Each leaves an audit record, which never holds a secret.

WebhookError
+-- InvalidEndpoint     a field has a value that cannot be used
+-- TooMany             a team has a limited number of endpoints
+-- IsOff               nothing is sent to an endpoint that is switched off
+-- SecretLost          the secret was sealed under another SECRET_KEY
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.models import Team
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.events import NAMES
from agentos.core.http.errors import Problem
from agentos.core.people import name_of
from agentos.core.security import guarded_http
from agentos.core.security.secrets import Unreadable, seal, unseal
from agentos.core.security.signatures import new_secret
from agentos.webhooks.outbound import payloads, switch, wakeup
from agentos.webhooks.outbound.models import TEST, Delivery, Endpoint

ENDPOINTS = 20  # of a team
BOTH_VALID = timedelta(hours=24)  # the old and the new secret
NAME_LIMIT = 80  # characters


class WebhookError(Problem):
    """A change that the rules forbid."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class InvalidEndpoint(WebhookError):
    status = 422
    code = "invalid_fields"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class TooMany(WebhookError):
    code = "too_many_webhooks"


class IsOff(WebhookError):
    code = "webhook_off"


class SecretLost(WebhookError):
    code = "secret_lost"


@transaction.atomic
def create_endpoint(*, team: Team, name: str, url: str, events: Iterable[str], by: User) -> Endpoint:
    """Raises InvalidEndpoint, TooMany."""
    fields = _checked(name, url, events)
    Team.objects.select_for_update().get(pk=team.pk)
    if Endpoint.objects.filter(team=team).count() >= ENDPOINTS:
        raise TooMany(_("A team can have %(limit)s webhooks. Delete one first.") % {"limit": ENDPOINTS})
    endpoint = Endpoint.objects.create(team=team, secret=seal(new_secret()), **fields)
    _record("created", endpoint, by, url=endpoint.url, events=endpoint.events)
    return endpoint


@transaction.atomic
def change_endpoint(*, endpoint: Endpoint, name: str, url: str, events: Iterable[str], by: User) -> None:
    """Raises InvalidEndpoint. What waits is sent to the new URL."""
    for field, value in _checked(name, url, events).items():
        setattr(endpoint, field, value)
    endpoint.save(update_fields=["name", "url", "events"])
    _record("changed", endpoint, by, url=endpoint.url, events=endpoint.events)


@transaction.atomic
def update_endpoint(*, endpoint: Endpoint, by: User, enabled: bool | None = None, **fields: Any) -> None:
    """Change what is given of name, url, events and whether it is on: all of it or nothing. Raises InvalidEndpoint."""
    if fields:
        change_endpoint(endpoint=endpoint, by=by, **{"name": endpoint.name, "url": endpoint.url, "events": endpoint.events, **fields})
    if enabled is not None:
        (enable_endpoint if enabled else disable_endpoint)(endpoint=endpoint, by=by)


@transaction.atomic
def reveal_secret(*, endpoint: Endpoint, by: User) -> str:
    """Raises SecretLost when it was sealed under another SECRET_KEY."""
    _record("secret_revealed", endpoint, by)
    try:
        return unseal(endpoint.secret)
    except Unreadable:
        raise SecretLost(_("The secret cannot be read, since SECRET_KEY has changed. Rotate it.")) from None


@transaction.atomic
def rotate_secret(*, endpoint: Endpoint, by: User) -> None:
    """Create a new secret. For a day messages carry a signature of each, so that the receiver can change over in between."""
    endpoint.old_secret, endpoint.old_secret_until = _readable(endpoint.secret), clock.now() + BOTH_VALID
    endpoint.secret = seal(new_secret())
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    _record("secret_rotated", endpoint, by)


@transaction.atomic
def enable_endpoint(*, endpoint: Endpoint, by: User) -> None:
    if not endpoint.is_enabled:
        switch.switch_on(endpoint, by=by)


@transaction.atomic
def disable_endpoint(*, endpoint: Endpoint, by: User) -> None:
    """Send nothing more. What happens while it is off is not sent later."""
    if endpoint.is_enabled:
        switch.switch_off(endpoint, f"Switched off by {name_of(by)}.", by=by)


@transaction.atomic
def delete_endpoint(*, endpoint: Endpoint, by: User) -> None:
    """Delete it with its log."""
    _record("deleted", endpoint, by, name=endpoint.name)
    endpoint.delete()


@transaction.atomic
def send_test(*, endpoint: Endpoint, by: User) -> Delivery:
    """Send a message that says that it is a test, once. Raises IsOff."""
    _check_on(endpoint)
    data = {"test": True, "webhook": {"id": endpoint.hook_id, "name": endpoint.name}}
    body = payloads.message(TEST, clock.now(), data)
    delivery = Delivery.objects.create(endpoint=endpoint, event=TEST, body=body, due_at=clock.now())
    _record("tested", endpoint, by, message=delivery.message_id)
    wakeup.after_commit()
    return delivery


@transaction.atomic
def send_again(*, delivery: Delivery, by: User) -> None:
    """Send a message now, under the same id, and begin its schedule anew. Raises IsOff."""
    _check_on(delivery.endpoint)
    delivery.status, delivery.tries, delivery.due_at = Delivery.Status.PENDING, 0, clock.now()
    delivery.save(update_fields=["status", "tries", "due_at"])
    _record("sent_again", delivery.endpoint, by, message=delivery.message_id)
    wakeup.after_commit()


def _check_on(endpoint: Endpoint) -> None:
    if not endpoint.is_enabled:
        raise IsOff(_("This webhook is off. Switch it on first."))


def _checked(name: str, url: str, events: Iterable[str]) -> dict[str, object]:
    name, url = " ".join(name.split()), url.strip()
    if not 0 < len(name) <= NAME_LIMIT:
        raise InvalidEndpoint("name", _("A name has 1 to %(limit)s characters.") % {"limit": NAME_LIMIT})
    try:
        guarded_http.check_url(url)
    except guarded_http.Forbidden as forbidden:
        raise InvalidEndpoint("url", str(forbidden)) from None
    asked = set(events)
    if not asked or not asked <= set(NAMES):
        raise InvalidEndpoint("events", _("Choose at least one event of the list."))
    return {"name": name, "url": url, "events": [event for event in NAMES if event in asked]}


def _readable(sealed: str) -> str:
    try:
        unseal(sealed)
    except Unreadable:
        return ""
    return sealed


def _record(past: str, endpoint: Endpoint, by: User, **data: object) -> None:
    about = {"team": endpoint.team_id, **data}
    record(f"webhooks.endpoint.{past}", by=by, object_type="webhook", object_id=endpoint.hook_id, **about)
