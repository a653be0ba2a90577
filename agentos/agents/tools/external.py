"""The audit of what leaves the house: a line for each call of a tool to another machine, without any content."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from django.db import Error

from agentos.access.users import User
from agentos.agents.tools.definition import CallContext, current
from agentos.audit.actions import record
from agentos.core import db

CALLED = "agents.tool.called"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ExternalCall:
    """``sent`` and ``received``: bytes. ``led_to``: hosts that it was sent on to. ``ok``: it got what it asked for."""

    tool: str
    host: str
    sent: int = 0
    received: int = 0
    ok: bool = False
    led_to: tuple[str, ...] = ()


@asynccontextmanager
async def external_call(tool: str, host: str) -> AsyncIterator[ExternalCall]:
    """Write the line when the block is left, however that happens: also for a call that failed, or whose run was stopped.

    ``tool`` is its slug, ``host`` the name of the other machine. Never raises: what has been done is done, whether noted or not.
    """
    call = ExternalCall(tool, host)
    try:
        yield call
        call.ok = True
    finally:
        await asyncio.shield(_written(call, current.get(None)))


async def _written(call: ExternalCall, context: CallContext | None) -> None:
    try:
        await db.write(_record, call, context)
    except Error:
        log.exception("A call of the tool %s to %s could not be noted in the audit.", call.tool, call.host)


def _record(call: ExternalCall, context: CallContext | None) -> None:
    record(
        CALLED,
        by=User.objects.filter(pk=context.user_id).first() if context else None,
        object_type="run",
        object_id=context.run_id if context else "",
        agent=context.agent_id if context else "",
        tool=call.tool,
        host=call.host,
        sent=call.sent,
        received=call.received,
        ok=call.ok,
        **({"led_to": list(call.led_to)} if call.led_to else {}),
    )
