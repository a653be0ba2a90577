"""What a message says: ids, states, times and numbers. Never a word of a chat, nor its title, which is made of one.

A team hears of chats with its own agents and of nothing else. Somebody who is not in the team may use such an agent too, through a
plan or because it is for everyone: then the message does not say who it was.
"""

import json
from datetime import UTC, datetime
from typing import Any

from agentos.agents.models import DjangoAgent
from agentos.chat.files import attachments_of
from agentos.chat.models import ChatSession, Feedback, Run

BODY_LIMIT = 20_000  # bytes, of Standard Webhooks
CALLS = 50  # of which a message tells
FILES = 50  # the same
ENDS = frozenset({"run.completed", "run.failed", "run.waiting", "run.stopped", "run.interrupted"})


def message(event: str, at: datetime, data: dict[str, Any]) -> str:
    body = json.dumps({"type": event, "timestamp": moment(at), "data": data}, separators=(",", ":"))
    assert len(body) < BODY_LIMIT  # made of fields that are limited
    return body


def about(agent: DjangoAgent, session: ChatSession | None, user_pk: int | None) -> dict[str, Any]:
    where = {"session": {"id": session.session_id, "created_at": moment(session.created_at)}} if session else {}
    return {
        **where,
        "agent": {"id": agent.agent_id, "name": agent.name},
        "user": None if user_pk is None else {"id": user_pk},
    }


def about_run(run: Run, event: str) -> dict[str, Any]:
    """``event`` knows the state: of a message that is withdrawn before it began, the row at hand does not yet. ``waits_for``: what a
    person is asked, by the name of each function and without its arguments, which are words of the chat. ``files``: the ids of those of
    the message, then of the answer; not their names, which are words of the chat as well."""
    waits_for = [{name: asked[name] for name in ("call_id", "kind", "name")} for asked in run.requirements[:CALLS]]
    files = [row.attachment.file_id for row in attachments_of([run]).get(run.pk, ())[:FILES]]
    return {
        "run": {
            **({"waits_for": waits_for} if event == "run.waiting" else {}),
            "id": run.run_id,
            "status": event.removeprefix("run.") if event in ENDS else run.status,
            "turn": run.turn,
            "error_code": run.error_code or None,
            "cut": run.cut or None,
            "input_tokens": run.input_tokens,
            "output_tokens": run.output_tokens,
            "cost": {"micro": run.cost_micro, "currency": run.currency, "source": run.price_source} if run.cost_micro is not None else None,
            "files": files,
            "created_at": moment(run.created_at),
            "started_at": moment(run.started_at),
            "finished_at": moment(run.finished_at),
        }
    }


def about_more(event: str, about: dict[str, Any]) -> dict[str, Any]:
    if event == "feedback.given":
        value = about.get("value")
        return {"feedback": {"value": None if value is None else Feedback.Value(value).name.lower()}}
    if event == "run.answered":
        return {"answers": about["answers"][:CALLS]}
    if event == "agent.published":
        return {"version": about["version"]}
    return {"forked_from": about["forked_from"]} if "forked_from" in about else {}


def moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
