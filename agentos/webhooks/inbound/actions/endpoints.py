"""Endpoints and their service identities, as operators make and change them. A secret is stored sealed; who looks at it is recorded."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access import actions as access
from agentos.access.models import Membership, Team
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat import actions as chat
from agentos.chat.models import Run
from agentos.chat.queries import shown
from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.people import address_of, columns
from agentos.core.security.secrets import Unreadable, seal, unseal
from agentos.core.security.signatures import check_secret, new_secret
from agentos.webhooks.inbound.models import SERVICE_DOMAIN, WebhookEndpoint, new_endpoint_id


def create_endpoint(
    *, name: str, agent: DjangoAgent, teams: Iterable[Team] = (), secret: str = "", by: User, **mapping: str
) -> WebhookEndpoint:
    """Make an endpoint with a service identity of its own, a member of ``teams``. Without ``secret`` it gets a fresh one.

    ``mapping``: event_path, message_path, key_path, message_events, preamble. Raises BadSecret.
    """
    check_secret(secret or new_secret())
    endpoint_id = new_endpoint_id()
    with transaction.atomic():
        identity = access.create_user(email=f"{endpoint_id}@{SERVICE_DOMAIN}", name=name, by=by)
        sealed = seal(secret or new_secret())
        endpoint = WebhookEndpoint.objects.create(
            endpoint_id=endpoint_id, name=name, agent=agent, identity=identity, secret=sealed, **mapping
        )
        _record("created", endpoint, by, agent=agent.agent_id, identity=identity.pk)
        _set_teams(identity, teams, by)
    return endpoint


def change_endpoint(
    *, endpoint: WebhookEndpoint, name: str, agent: DjangoAgent, teams: Iterable[Team], by: User, **mapping: str
) -> WebhookEndpoint:
    """Raises ``Problem`` 404 when it was deleted meanwhile."""
    with transaction.atomic():
        endpoint = _locked(endpoint)
        wanted: dict[str, Any] = {"name": name, "agent": agent, **mapping}
        changed = [field for field, value in wanted.items() if getattr(endpoint, field) != value]
        for field in changed:
            setattr(endpoint, field, wanted[field])
        if changed:
            endpoint.save(update_fields=changed)
            _record("changed", endpoint, by, fields=changed)
        if "name" in changed:
            _write(endpoint.identity, columns(name=name))
        _set_teams(endpoint.identity, teams, by)
    return endpoint


def switch_endpoint(*, endpoint: WebhookEndpoint, is_active: bool, by: User) -> None:
    """Off: its address answers as if it were not there."""
    with transaction.atomic():
        if WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=not is_active).update(is_active=is_active):
            _record("enabled" if is_active else "disabled", endpoint, by)


def reveal_secret(*, endpoint: WebhookEndpoint, by: User) -> str:
    """Return the secret, and record who looked at it. Raises ``Problem`` 409 when it cannot be read any more."""
    try:
        secret = unseal(endpoint.secret)
    except Unreadable:
        raise Problem(
            409, _("The secret cannot be read: it was stored under another SECRET_KEY. Rotate it, and give the sender the new one.")
        ) from None
    _record("revealed", endpoint, by)
    return secret


def rotate_secret(*, endpoint: WebhookEndpoint, keep_for: timedelta, secret: str = "", by: User) -> None:
    """Give the endpoint a new secret. The old one counts for ``keep_for`` more, so that no event is lost meanwhile.

    Raises BadSecret, ``Problem`` 404 when the endpoint was deleted meanwhile.
    """
    check_secret(secret or new_secret())
    with transaction.atomic():
        endpoint = _locked(endpoint)
        endpoint.old_secret = endpoint.secret if keep_for and _is_readable(endpoint.secret) else ""
        endpoint.old_secret_until = clock.now() + keep_for if endpoint.old_secret else None
        endpoint.secret = seal(secret or new_secret())
        endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
        _record("rotated", endpoint, by, old_counts_for_hours=keep_for / timedelta(hours=1) if endpoint.old_secret else 0)


def delete_endpoint(*, endpoint: WebhookEndpoint, by: User) -> None:
    """Delete it with all that came to it, and stop what it still does. The chats stay with its identity, which is suspended.

    Raises ``Problem`` 404 when somebody else was first.
    """
    with transaction.atomic():
        endpoint = _locked(endpoint)
        identity, events = endpoint.identity, endpoint.events.count()
        stopped = [run for run in shown(Run.objects.filter(session__user=identity, status__in=Run.OPEN)) if chat.stop_run(run=run, by=by)]
        about = {"name": endpoint.name, "identity": identity.pk, "events": events, "runs_stopped": len(stopped)}
        _record("deleted", endpoint, by, **about)
        endpoint.delete()
        _retire(identity, endpoint.endpoint_id, by)


def _retire(identity: User, endpoint_id: str, by: User) -> None:
    """End its rights and its tokens. That nobody signs in as it is from now on said by its address alone (signals.py)."""
    if not address_of(identity).endswith(f"@{SERVICE_DOMAIN}"):
        _write(identity, columns(address=f"{endpoint_id}@{SERVICE_DOMAIN}"))
    if identity.is_active:
        access.suspend_user(user=identity, by=by)


def _write(identity: User, values: dict[str, Any]) -> None:
    for column, value in values.items():
        setattr(identity, column, value)
    identity.save(update_fields=list(values))


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Raises ``Problem`` 404 when it is not there any more."""
    if found := WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first():
        return found
    raise Problem(404, _("This endpoint has been deleted."))


def _is_readable(sealed: str) -> bool:
    try:
        return bool(unseal(sealed))
    except Unreadable:
        return False


def _set_teams(identity: User, teams: Iterable[Team], by: User) -> None:
    wanted = {team.pk: team for team in teams}
    for membership in Membership.objects.filter(user=identity):
        if membership.team_id not in wanted:
            access.remove_member(membership=membership, by=by)
        wanted.pop(membership.team_id, None)
    for team in wanted.values():
        access.add_member(team=team, user=identity, by=by)


def _record(past: str, endpoint: WebhookEndpoint, by: User, **data: Any) -> None:
    noun = "secret" if past in {"revealed", "rotated"} else "endpoint"
    record(f"webhooks.{noun}.{past}", by=by, object_type="webhook_endpoint", object_id=endpoint.endpoint_id, **data)
