"""What operators do with the run that an event started: nobody else could, since its session's owner is no person."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents.runtime import Answer
from agentos.audit.actions import record
from agentos.chat import actions as chat
from agentos.chat.models import Run
from agentos.core.http.errors import Problem
from agentos.webhooks.inbound.models import WebhookEvent


def stop_event_run(*, event: WebhookEvent, by: User) -> bool:
    """Stop the run. Returns False when it had ended. Raises ``Problem`` 409 when the event started none."""
    run = _run_of(event)
    stopped = chat.stop_run(run=run, by=by)
    if stopped:
        record("webhooks.run.stopped", by=by, object_type="webhook_event", object_id=str(event.pk), run=run.run_id)
    return stopped


def answer_event_run(*, event: WebhookEvent, answers: list[Answer], by: User) -> None:
    """Answer what the run waits for. It goes on with the rights of the service identity; who said so is recorded.

    Raises ``Problem``, and InvalidInput for answers that do not fit.
    """
    run = _run_of(event)
    with transaction.atomic():
        chat.answer_run(run=run, answers=answers, by=run.session.user, decided_by=by)
        record("webhooks.run.answered", by=by, object_type="webhook_event", object_id=str(event.pk), run=run.run_id)


def _run_of(event: WebhookEvent) -> Run:
    if event.run is None:
        raise Problem(409, _("This event started no run, or its session was deleted."))
    return event.run
