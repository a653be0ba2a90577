"""Starting a run for what was asked, and waiting for its end.

A conversation is a session when the client names one: only the last message is sent there, since the session has its own history, and
the run belongs to the server, whoever hangs up. Otherwise the client's own messages are the history of an ephemeral run
(``chat/ephemeral.py``). Nobody else could read its answer, so it is stopped when its client goes away.
"""

import asyncio

from django.conf import settings
from django.http import HttpResponse

from agentos.access.models import User
from agentos.api import sending
from agentos.api.openai.asking import NEW, Asked
from agentos.api.openai.ending import problem_of
from agentos.api.openai.errors import BadField, no_model, no_session
from agentos.api.openai.telling import completion
from agentos.chat import ephemeral
from agentos.chat.models import Run
from agentos.chat.waiting import ended
from agentos.core import db
from agentos.service import AgentNotFound, AgentOSService


def begin(user: User, asked: Asked, idempotency_key: str) -> Run:
    """Raises BadField, and the refusals of ``actions.send_message`` and ``ephemeral.start``."""
    service = AgentOSService(user)
    if not asked.session_id:
        agent = service.get_agent_by_id(asked.model)
        if agent is None:
            raise no_model(asked.model)
        return ephemeral.start(agent=agent, message=asked.message, history=asked.history, context=asked.context, by=user)
    if asked.session_id != NEW:
        _check_session(service, asked)
    where = {"agent_id": asked.model} if asked.session_id == NEW else {"session_id": asked.session_id}
    try:
        return service.send_message(asked.message, context=asked.context, idempotency_key=idempotency_key, **where)
    except AgentNotFound:
        raise no_model(asked.model) from None


def _check_session(service: AgentOSService, asked: Asked) -> None:
    session = service.get_session(asked.session_id)
    if session is None:
        raise no_session()
    if session.agent.agent_id != asked.model:
        raise BadField("model", f"This session is of the agent {session.agent.agent_id}: name it as the model.", code="model_mismatch")


async def complete(run: Run, user: User) -> HttpResponse:
    """Return the whole answer. Raises ``Problem`` for every other end."""
    try:
        run = await ended(run, settings.RUN_TIMEOUT + sending.MARGIN) or run
        if run.status != Run.Status.COMPLETED:
            raise problem_of(run)
        return HttpResponse(completion(run).model_dump_json(), content_type="application/json; charset=utf-8")
    except Run.DoesNotExist:  # its owner was erased in the meantime
        raise no_session() from None
    finally:
        await delivered(run, user)


async def delivered(run: Run, user: User) -> None:
    """Erase what must leave no trace. The client may have gone away: that must not keep this from being done."""
    if run.session.is_ephemeral:
        await asyncio.shield(db.write(ephemeral.discard, run_pk=run.pk, by=user))
