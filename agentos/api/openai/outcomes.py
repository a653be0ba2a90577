"""The error that a client gets for a run that did not complete."""

import re

from agentos.agents import failures
from agentos.api.openai.auth import INVALID_KEY
from agentos.api.openai.errors import NOT_AGAIN
from agentos.api.sending import UNAVAILABLE_CODES
from agentos.chat.callers import LOST_RIGHTS
from agentos.chat.errors import TRY_AGAIN, WaitingForApproval
from agentos.chat.models import Run
from agentos.core.http.errors import Problem

REJECTED = {"context_too_long": "context_length_exceeded", "model_rejected": "model_rejected"}
KEPT = re.compile(r"\s*[^.]*\b(?:saved|kept)\b[^.]*\.")  # sentences that do not hold where nothing is


def problem_of(run: Run) -> Problem:
    """Say how it ended. In a session the message is stored, so the client is asked not to send it again by itself."""
    status, sentence, code = _end_of(run)
    again = run.session.is_ephemeral and status == 503  # noqa: PLR2004
    headers = dict(TRY_AGAIN) if again else dict(NOT_AGAIN)
    return Problem(status, sentence, code=code, headers=headers | session_header(run))


def behind_approval(waiting: WaitingForApproval) -> Problem:
    return Problem(waiting.status, waiting.sentence, code=waiting.code, headers={**NOT_AGAIN, **waiting.headers})


def session_header(run: Run) -> dict[str, str]:
    return {} if run.session.is_ephemeral else {"X-Session-ID": run.session.session_id}


def _end_of(run: Run) -> tuple[int, str, str]:
    if run.status == Run.Status.FAILED:
        return _failure(run)
    if run.status == Run.Status.INTERRUPTED:
        return 503, _sentence(run, "interrupted"), "interrupted"
    if run.status == Run.Status.STOPPED and run.error_code in LOST_RIGHTS:
        status, code = LOST_RIGHTS[run.error_code]
        return status, _sentence(run, run.error_code), INVALID_KEY if status == 401 else code  # noqa: PLR2004
    place = run.session.session_id
    status, code, sentence, in_session = OTHER_ENDS.get(Run.Status(run.status), NOT_FINISHED)
    return status, f"{sentence} {'' if run.session.is_ephemeral else in_session.format(place)}".strip(), code


# Status, code, what happened, and what to do in a session.
NOT_FINISHED = (504, "not_finished", "The answer is not finished yet.", "It will appear in session {}.")
OTHER_ENDS = {
    Run.Status.STOPPED: (409, "stopped", "The answer was stopped.", "What was said so far is kept in session {}."),
    Run.Status.WAITING: (
        409,
        "waiting_for_approval",
        "The agent has to ask a person first, which takes a session.",
        "Open session {} to decide.",
    ),
}


def _failure(run: Run) -> tuple[int, str, str]:
    code = run.error_code
    if code in REJECTED:
        return 400, _sentence(run, code), REJECTED[code]
    return (503 if code in UNAVAILABLE_CODES else 502), _sentence(run, code), code


def _sentence(run: Run, code: str) -> str:
    sentence = failures.sentence(code)
    return KEPT.sub("", sentence).strip() if run.session.is_ephemeral else sentence
