"""Saying it differently: an edit never destroys. It makes another version of the message, and what followed the first one stays with it."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.audit.actions import record
from agentos.chat import limits, quotas
from agentos.chat.actions.choosing import checked
from agentos.chat.actions.messages import checked_message
from agentos.chat.actions.opening import bring_to_top, check_agent_available, check_agent_open
from agentos.chat.actions.versions import add_edition, check_nothing_open, hide_from
from agentos.chat.errors import WrongState
from agentos.chat.files import copy_files
from agentos.chat.live.revisions import lock
from agentos.chat.models import Run
from agentos.chat.titles import title_of


def edit_message(*, run: Run, text: str, by: User) -> Run:
    """Send ``text`` in the place of this turn's message, in the same chat. The message, its answers and all that came after them are
    another version, which stays.

    Raises InvalidInput, WrongState while an answer of the chat is open, AgentClosed, AgentUnavailable, TooMuch, QuotaReached.
    """
    message = checked_message(text, may_be_empty=bool(run.file_count))
    limits.check_send(by)
    with transaction.atomic():
        session = lock(run.session_id)
        run = Run.objects.get(pk=run.pk)
        check_agent_open(session.agent, by)
        check_agent_available(session.agent)
        check_nothing_open(session)
        if run.is_hidden or run.continues_id:
            raise WrongState(_("Only a message that is shown can be edited."))
        quotas.check(by, session.agent)
        titled = {"title": title_of(message)} if session.title == title_of(run.input) else {}
        revision = bring_to_top(session, **titled)
        place = add_edition(run)
        hide_from(session, run.turn, revision)
        said = {"input": message, "context": run.context, "options": run.options, **checked(session.agent, None, None, run).of_run}
        edited = Run.objects.create(session=session, by=by, revision=revision, **place, **said)
        copy_files([(run, edited)])
        record("chat.message.edited", by=by, object_type="run", object_id=edited.run_id, instead_of=run.run_id)
    return edited
