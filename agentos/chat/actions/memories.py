"""Taking back what an agent has remembered or forgotten in an answer."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.chat.errors import NothingNoted, WrongState
from agentos.chat.live.parts import part_at
from agentos.chat.live.revisions import change, lock
from agentos.chat.live.shown import Noted, noted_in
from agentos.chat.models import Run
from agentos.memories import actions
from agentos.memories.queries import memory_for


def undo_memory(*, run: Run, place: int, by: User) -> None:
    """Take back what the part at ``place`` of an ended answer says was remembered, or forgotten. Once is enough, more does no harm.

    Raises WrongState while the answer is open, NothingNoted where nothing was noted, and TooManyMemories.
    """
    with transaction.atomic():
        session = lock(run.session_id)
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.is_open:
            raise WrongState(_("Wait until the answer has ended."))
        part, noted = part_at(run.parts, place), dict(noted_in(run.parts)).get(place)
        if part is None or noted is None:
            raise NothingNoted
        if noted.is_undone:
            return
        _undo(noted, by)
        part["shown"]["undone"] = True
        run.revision = change(session)
        run.save(update_fields=["parts", "revision"])


def _undo(noted: Noted, by: User) -> None:
    if noted.did == "forgot":
        actions.restore(number=noted.number, text=noted.text, agent_id=noted.agent, by=by)
    elif memory := memory_for(by, noted.number):
        actions.delete_memory(memory=memory, by=by)
