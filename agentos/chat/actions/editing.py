"""Saying it differently: an edit never destroys, it goes on in a fork."""

from django.db import transaction

from agentos.access.models import User
from agentos.chat.actions.messages import send_message
from agentos.chat.actions.sessions import fork_session
from agentos.chat.models import Run


def edit_message(*, run: Run, text: str, by: User) -> Run:
    """Fork the chat before this turn and send ``text`` there instead of its message. The original stays as it is.

    Raises what ``fork_session`` and ``send_message`` raise; then nothing has changed.
    """
    with transaction.atomic():
        fork = fork_session(session=run.session, through_turn=run.turn - 1, by=by)
        return send_message(by=by, session=fork, text=text, context=run.context)
