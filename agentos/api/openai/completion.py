"""Starting a run for what was asked, and waiting for its end.

A conversation is a session when the client names one: only the last message is sent there, since the session has its own history, and
the run belongs to the server, whoever hangs up. Otherwise the client's own messages are the history of an ephemeral run
(``chat/ephemeral.py``). Nobody else could read its answer, so it is stopped when its client goes away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from agentos.access.users import User
from agentos.agents.choosing import offers_efforts
from agentos.api import sending
from agentos.api.auth import caller_of
from agentos.api.openai.auth import KeyWatch
from agentos.api.openai.errors import BadField, no_model, no_session
from agentos.api.openai.files import kept_for
from agentos.api.openai.formats import check_format
from agentos.api.openai.outcomes import behind_approval, problem_of
from agentos.api.openai.parsing import NEW, AgentRequest
from agentos.chat import ephemeral
from agentos.chat.callers import Caller
from agentos.chat.errors import WaitingForApproval
from agentos.chat.models import Run
from agentos.chat.runs.waiting import ended
from agentos.chat.sent_files import GivenFile, KeptFiles
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.service import AgentNotFound, AgentOSService


def begin(user: User, asked: AgentRequest, idempotency_key: str, *, wants_answer: bool = True) -> Run:
    """Raises BadField, and the errors of ``actions.send_message`` and ``ephemeral.start``."""
    service = AgentOSService(user)
    check_format_of(service, asked)
    if not asked.session_id:
        agent = service.get_agent_by_id(asked.model)
        if agent is None:
            raise no_model(asked.model)
        said: dict[str, Any] = {"message": asked.message, "history": asked.history, "context": asked.context, "options": asked.options}
        said["files"] = asked.kept.ids
        return ephemeral.start(agent=agent, by=user, effort=asked.effort, **said)
    is_new = asked.session_id == NEW
    if not is_new:
        _check_session(service, asked)
    where = {"agent_id": asked.model} if is_new else {"session_id": asked.session_id}
    try:
        return service.send_message(
            asked.message,
            context=asked.context,
            idempotency_key=idempotency_key,
            wants_answer=wants_answer,
            history=asked.history if is_new else (),
            options=asked.options,
            effort=effort_for(service, asked),
            files=asked.kept.ids,
            fingerprints=asked.kept.fingerprints,
            **where,
        )
    except AgentNotFound:
        raise no_model(asked.model) from None


def effort_for(service: AgentOSService, asked: AgentRequest) -> str | None:
    """Return the effort that is asked for where the agent lets it be chosen; else it is ignored, as other ways to sample are."""
    agent = service.get_agent_by_id(asked.model) if asked.effort else None
    return asked.effort if agent and offers_efforts(agent) else None


def check_format_of(service: AgentOSService, asked: AgentRequest) -> None:
    """Raises BadField where the agent would not keep to the format that is asked for."""
    wanted = asked.options.get("format")
    if wanted and (agent := service.get_agent_by_id(asked.model)):
        check_format(agent, wanted, "text.format" if "text_format" in asked.options else "response_format")


def _check_session(service: AgentOSService, asked: AgentRequest) -> None:
    session = service.get_session(asked.session_id)
    if session is None:
        raise no_session()
    if session.agent.agent_id != asked.model:
        raise BadField("model", f"This session is of the agent {session.agent.agent_id}: name it as the model.", code="model_mismatch")


def answering(
    request: HttpRequest,
    user: User,
    files: Sequence[GivenFile],
    start: Callable[[KeptFiles], Run],
    answer: Callable[[Run, Caller], Awaitable[HttpResponseBase]],
) -> HttpResponseBase:
    """Start a run, and answer with it; where files come with the message, once they are kept."""
    if not files:
        run = start(KeptFiles())
        return deferred(request, partial(answer, run, caller_of(request, user, run.session.agent_id)))  # type: ignore[arg-type]

    async def keep_first() -> HttpResponseBase:
        run = await kept_for(user, files, start)
        return await answer(run, await db.read(caller_of, request, user, run.session.agent_id))

    return deferred(request, keep_first)


async def complete(run: Run, caller: Caller, user: User, write: Callable[[Run], str]) -> HttpResponse:
    """Return the whole answer, as ``write`` writes it. Raises ``Problem`` for every other end."""
    try:
        run = await ended(run, app_settings.RUN_TIMEOUT + sending.MARGIN, KeyWatch(caller)) or run
        if run.status != Run.Status.COMPLETED:
            raise problem_of(run)
        return HttpResponse(write(run), content_type="application/json; charset=utf-8")
    except WaitingForApproval as waiting:
        raise behind_approval(waiting) from None
    except Run.DoesNotExist:  # its owner was erased in the meantime
        raise no_session() from None
    finally:
        await delivered(run, user)


async def delivered(run: Run, user: User) -> None:
    """Erase what must leave no trace. The client may have gone away: that must not keep this from being done."""
    if run.session.is_ephemeral:
        await asyncio.shield(db.write(ephemeral.discard, run_pk=run.pk, by=user))
